/* SPDX-License-Identifier: ISC */
/* The floor that start-up times are compared with: linked as valetkey is, does nothing. */
int
main(void)
{
	return 0;
}
