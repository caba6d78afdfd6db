/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Options are read anew for each call, into the caller's stack: several conversations with
 * different lines of configuration may run in one process. A word that is not understood
 * must not lock anybody out, so it is reported and passed over.
 */
#include "pam/options.h"

#include <string.h>

#include "src/base/util.h"

#define RETRY "retry="

static bool
parse_retry(struct options *o, const char *value)
{
	if (value[0] < '1' || value[0] > '0' + (char)OPTIONS_MAX_RETRY ||
	    value[1] != '\0')
		return false;
	o->retry = (unsigned)(value[0] - '0');
	return true;
}

static bool
parse(struct options *o, const char *word)
{
	if (streq(word, "debug"))
		o->debug = true;
	else if (streq(word, "use_first_pass"))
		o->use_first_pass = true;
	else if (streq(word, "try_first_pass"))
		o->use_first_pass = false;
	else if (streq(word, "use_authtok"))
		o->use_authtok = true;
	else if (streq(word, "ignore_unknown_user"))
		o->ignore_unknown_user = true;
	else if (streq(word, "nodelay"))
		o->nodelay = true;
	else if (streq(word, "no_warn"))
		o->no_warn = true;
	else if (strncmp(word, RETRY, strlen(RETRY)) == 0)
		return parse_retry(o, word + strlen(RETRY));
	else
		return false;
	return true;
}

void
options_parse(struct options *o, int argc, const char *const *argv,
    void (*unknown)(void *arg, const char *word), void *arg)
{
	*o = (struct options){ .retry = 1 };
	for (int i = 0; i < argc; i++) {
		if (argv[i] != NULL && !parse(o, argv[i]))
			unknown(arg, argv[i]);
	}
}
