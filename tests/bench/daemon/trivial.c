/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What any program pays that links what the daemon links and makes one HTTPS request: the
 * yardstick for the daemon's memory. Prints the lines of /proc/self/status that matter.
 *
 *	trivial URL CA_FILE
 */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <sqlite3.h>

static int
request(const char *url, const char *ca)
{
	CURL *easy = curl_easy_init();
	CURLcode rc;

	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
	(void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	rc = curl_easy_perform(easy);
	if (rc != CURLE_OK)
		fprintf(stderr, "trivial: %s\n", curl_easy_strerror(rc));
	/* Kept, as the daemon keeps its connection. */
	return rc == CURLE_OK ? 0 : 1;
}

static void
print_memory(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmHWM", 5) == 0 || strncmp(line, "VmRSS", 5) == 0 ||
		    strncmp(line, "RssAnon", 7) == 0)
			(void)fputs(line, stdout);
	}
	if (f != NULL)
		(void)fclose(f);
}

int
main(int argc, char **argv)
{
	sqlite3 *db = NULL;
	cJSON *json = cJSON_Parse("{}");

	if (argc != 3 || json == NULL || EVP_sha256() == NULL ||
	    sqlite3_open(":memory:", &db) != SQLITE_OK ||
	    sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL) != SQLITE_OK)
		return 2;
	(void)curl_global_init(CURL_GLOBAL_ALL);
	if (request(argv[1], argv[2]) != 0)
		return 1;
	print_memory();
	return 0;
}
