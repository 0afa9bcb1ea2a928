# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Part of wrapper.sh, the last: begins the answer and does what is asked.

[ "$verb" = job-body ] && job_body "$@"

printf 'recoveryd-begin %s\n' "$nonce"
printf 'recoveryd-begin %s\n' "$nonce" >&2
if [ "$root" = $default_root ] && [ "$(id -u)" != 0 ]; then
	printf 'runs as %s, not as root' "$(id -un)" >&2
	end not-root
fi
check_number number "$number"
check_number wait "$wait"
case $verb in
ask) ask "$@" ;;
survey)
	read_epoch
	[ $? -ne 2 ] || refuse "$damaged"
	survey
	end 'done'
	;;
job-state) job_state ;;
settle) settle ;;
aside) aside_path ;;
fetch) fetch ;;
run) run_command "$@" ;;
job-start) job_start "$@" ;;
move) move ;;
move-aside) move_aside ;;
put) put ;;
take) take ;;
release) release ;;
keep) keep ;;
break) break_lock ;;
*) refuse "unknown verb $verb" ;;
esac
