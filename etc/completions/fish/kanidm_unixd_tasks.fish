# SPDX-License-Identifier: MPL-2.0
# Made by scripts/completions from src/cli.
complete -c kanidm_unixd_tasks -f
complete -c kanidm_unixd_tasks -s c -l config -r -F -d 'what homes look like here'
complete -c kanidm_unixd_tasks -s d -l debug -d 'log everything'
complete -c kanidm_unixd_tasks -l mount-helper -d 'serve bind mounts instead (kanidm-unixd-mount.service)'
complete -c kanidm_unixd_tasks -s h -l help -d 'print this help'
complete -c kanidm_unixd_tasks -s V -l version -d 'print version, SELinux support and the capabilities that are kept'
