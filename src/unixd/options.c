/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of src/cli decides what is accepted, and what the environment means; here the
 * answers are kept, the last one counting.
 */
#include "src/unixd/options.h"

#include "ku/paths.h"
#include "src/cli/programs.h"

struct reading {
	struct options *o;
	bool version;
};

static void
set(void *arg, int key, const char *value)
{
	struct reading *r = arg;

	switch (key) {
	case 'r':
		r->o->skip_root_check = true;
		break;
	case 'd':
		r->o->debug = true;
		break;
	case 't':
		r->o->configtest = true;
		break;
	case 'u':
		r->o->unixd_config = value;
		break;
	case 'c':
		r->o->client_config = value;
		break;
	case CLI_KEY_WITHDRAW:
		r->o->withdraw = true;
		break;
	default:
		r->version = true;
	}
}

int
options_parse(int argc, char **argv, struct options *ret_options, FILE *out, FILE *err)
{
	struct reading r = { .o = ret_options };
	struct cli_args args;
	int rc;

	*ret_options = (struct options){ 0 };
	rc = cli_parse(&cli_kanidm_unixd, argc, argv, set, &r, &args, out, err);
	if (rc < 0 && r.version) {
		(void)fprintf(out, "kanidm_unixd %s\n", KU_VERSION);
		return 0;
	}
	return rc;
}
