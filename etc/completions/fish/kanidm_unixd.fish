# SPDX-License-Identifier: MPL-2.0
# Made by scripts/completions from src/cli.
complete -c kanidm_unixd -f
complete -c kanidm_unixd -s r -l skip-root-check -d 'run even as root'
complete -c kanidm_unixd -s d -l debug -d 'log everything'
complete -c kanidm_unixd -s t -l configtest -d 'check the configuration, print it, and exit'
complete -c kanidm_unixd -s u -l unixd-config -r -F -d 'what accounts look like here'
complete -c kanidm_unixd -s c -l client-config -r -F -d 'where the server is'
complete -c kanidm_unixd -l withdraw -d 'take the published map away from its readers, and exit'
complete -c kanidm_unixd -s h -l help -d 'print this help'
complete -c kanidm_unixd -s V -l version -d 'print the version'
