/* SPDX-License-Identifier: ISC */
/*
 * What copying leaves in vector registers.  The C library picks its routines by what the processor has, so the
 * compiler, which builds for any processor, neither knows of all these registers nor clears them.
 */
#include "valetkey/secret.h"

#if defined(__x86_64__)
#ifdef __AVX512F__
#define UPPER "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", \
	"xmm27", "xmm28", "xmm29", "xmm30", "xmm31"
#else
#define UPPER
#endif
#define CLEAR_UPPER(n) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"

void
vk_wipe_registers(void)
{
	/* All of zmm0 to zmm15. */
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
		    "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	/* No code of ours uses these. */
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(CLEAR_UPPER(16) CLEAR_UPPER(17) CLEAR_UPPER(18) CLEAR_UPPER(19) CLEAR_UPPER(20)
			CLEAR_UPPER(21) CLEAR_UPPER(22) CLEAR_UPPER(23) CLEAR_UPPER(24) CLEAR_UPPER(25) CLEAR_UPPER(26)
			CLEAR_UPPER(27) CLEAR_UPPER(28) CLEAR_UPPER(29) CLEAR_UPPER(30) CLEAR_UPPER(31) ::: UPPER);
}
#else
void
vk_wipe_registers(void)
{
	/* aarch64 has none beyond those that the compiler clears on the way out of vk_wipe_stack(). */
}
#endif
