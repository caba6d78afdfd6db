/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Taking the map back, without a writer: removal of the package, or a configuration that
 * wants none. The state is set first, as a process that has the file mapped never looks at
 * the path again while all seems well.
 */
#include <errno.h>
#include <unistd.h>

#include "src/unixd/publish/gen_file.h"
#include "src/unixd/publish/publish.h"

int
publish_withdraw_path(const char *path)
{
	struct gen g;
	int r = gen_file_adopt(&g, path);

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		gen_store(&g, 0, KU_MAP_H_STATE, KU_MAP_WITHDRAWN);
		gen_file_unmap(&g);
	}
	/* What is no map (an older format, a torn file) goes, too; but not what we were not
	 * even allowed to open. */
	if (r != 0 && r != -EINVAL)
		return r;
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}
