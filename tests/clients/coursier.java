/* SPDX-License-Identifier: ISC */
/* Fetches corp:tool:1 from the repository ${args[0]} by the part of coursier that downloads, and prints the file's name. */
import coursierapi.Artifact;
import coursierapi.Cache;
import java.io.File;

class Get {
	public static void main(String[] args) {
		Cache cache = Cache.create().withLocation(new File(args[1]));
		System.out.println(cache.get(Artifact.of(args[0] + "/corp/tool/1/tool-1.jar")).getName());
	}
}
