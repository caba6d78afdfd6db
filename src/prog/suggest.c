/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A slip of the fingers is one or two edits away from the word that was meant. The one
 * idea: the plain table of edit distances (Damerau's, with swaps of neighbours) for words
 * of at most 64 bytes, and a bound that grows with the word, so that "uri" is not offered
 * for everything of three letters.
 */
#include "src/prog/suggest.h"

#include <string.h>
#include <strings.h>

#define WORD_MAX 64

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

size_t
suggest_distance(const char *a, const char *b)
{
	unsigned char rows[3][WORD_MAX + 1];
	unsigned char *before = rows[0], *above = rows[1], *row = rows[2];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return n > m ? n : m;
	for (size_t j = 0; j <= m; j++)
		above[j] = (unsigned char)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned char *spare;

		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= m; j++) {
			size_t change = fold(a[i - 1]) == fold(b[j - 1]) ? 0 : 1;
			size_t d = min3(above[j] + 1u, row[j - 1] + 1u,
			    above[j - 1] + change);

			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1u < d)
				d = before[j - 2] + 1u;
			row[j] = (unsigned char)d;
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[m];
}

void
suggest_consider(const char *typed, const char *candidate, const char **best)
{
	size_t len = strlen(typed);
	size_t bound = len < 4 ? 1 : len < 9 ? 2 : 3;
	size_t d = suggest_distance(typed, candidate);

	if (d > bound)
		return;
	if (*best == NULL || d < suggest_distance(typed, *best))
		*best = candidate;
}
