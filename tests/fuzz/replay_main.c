/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Runs a fuzz target over every file of its corpus, in any build. So a find of the fuzzer,
 * once put into the corpus, is a test under every preset and compiler, not only where
 * libFuzzer is. An empty or missing corpus fails: a replay of nothing shows nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	struct stat st;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		if (f != NULL)
			(void)fclose(f);
		return -1;
	}
	/* Exactly as long as the input, so that a sanitizer sees a read past its end. */
	data = malloc((size_t)st.st_size + (st.st_size == 0));
	if (data == NULL) {
		(void)fclose(f);
		return -1;
	}
	n = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent *e;
	int runs = 0;
	DIR *d;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
		return 2;
	}
	d = opendir(argv[1]);
	if (d == NULL) {
		perror(argv[1]);
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		char path[1024];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		if (replay_file(path) != 0) {
			(void)closedir(d);
			return 1;
		}
		runs++;
	}
	(void)closedir(d);
	(void)printf("%d inputs\n", runs);
	return runs == 0;
}
