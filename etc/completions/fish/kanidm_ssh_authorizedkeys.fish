# SPDX-License-Identifier: MPL-2.0
# Made by scripts/completions from src/cli.
complete -c kanidm_ssh_authorizedkeys -f
complete -c kanidm_ssh_authorizedkeys -x -a '(__fish_complete_users)'
complete -c kanidm_ssh_authorizedkeys -s d -l debug -d 'say on stderr what is asked, and how long the answer took'
complete -c kanidm_ssh_authorizedkeys -s h -l help -d 'print this help'
complete -c kanidm_ssh_authorizedkeys -s v -l version -d 'print the version'
