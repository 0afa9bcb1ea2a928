# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# What runs on a host, for one call (call.h): `sh -c LOADER recoveryd VERB key=value ... [-- ...]`,
# whose loader (frame.h) reads THIS from stdin and evaluates it; in $wrapper is all of it. It is never
# stored there. Needs coreutils and flock; uses systemd-run where systemd is pid 1.
# The files are described in docs/hosts.md. This is the first of five parts that become one text:
# wrapper.sh (the call, answers, the lock, commands), wrapper-jobs.sh, wrapper-files.sh,
# wrapper-journal.sh, wrapper-verbs.sh.
#
# Framing: "recoveryd-begin NONCE" starts what counts of stdout and of stderr (a login shell may have
# spoken before), "recoveryd-end NONCE" ends stdout, "recoveryd-end NONCE VERDICT STATUS" stderr.
# Without both ends the answer counts as lost.
#
# Descriptors: 4 a command's stderr; 5 a job's lock, held by the job for its life; 6 the input; 7
# from a job's body to job-start; 8 epoch.lock; 9 touch.lock, which every command that touches
# inherits.
#
# No `set -e`: each failure has its own words. Comment lines and leading tabs are removed when
# this is embedded (embed.sh): no string or here-document may depend on them.
#
# shellcheck disable=SC2015 # in "A && B || refuse" the last never returns, which is what is meant

set -u
umask 077
unset CDPATH ENV BASH_ENV
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
LC_ALL=C
export PATH LC_ALL

default_root=/var/lib/recoveryd
log_limit=262144
fetch_limit=67108864
tab=$(printf '\t')
newline='
'

# ---- the call ---------------------------------------------------------------------------------

root=$default_root nonce='' run='' number=0 enrol=0 who='' head='' state='' visit=0 attempt=0
name='' cwd=/ input='' offset=0 from='' to='' mode='' size=0 sha256='' wait=0
want_boot='' want_machine=''
# the loader's; a job's body has none, and needs none
wrapper=${wrapper:-}

verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
	case $1 in
	--) shift; break ;;
	root=*) root=${1#*=} ;;
	nonce=*) nonce=${1#*=} ;;
	run=*) run=${1#*=} ;;
	number=*) number=${1#*=} ;;
	enrol=*) enrol=${1#*=} ;;
	who=*) who=${1#*=} ;;
	head=*) head=${1#*=} ;;
	state=*) state=${1#*=} ;;
	visit=*) visit=${1#*=} ;;
	attempt=*) attempt=${1#*=} ;;
	name=*) name=${1#*=} ;;
	cwd=*) cwd=${1#*=} ;;
	input=*) input=${1#*=} ;;
	offset=*) offset=${1#*=} ;;
	from=*) from=${1#*=} ;;
	to=*) to=${1#*=} ;;
	mode=*) mode=${1#*=} ;;
	size=*) size=${1#*=} ;;
	sha256=*) sha256=${1#*=} ;;
	wait=*) wait=${1#*=} ;;
	boot-id=*) want_boot=${1#*=} ;;
	machine-id=*) want_machine=${1#*=} ;;
	*) printf 'unknown key %s' "$1" >&2; exit 2 ;;
	esac
	shift
done

step=$root/jobs/$run/$state.$visit.$attempt
job=$step/$name
aside=$root/aside/$run
# survives a full or read-only /var, and a reboot empties it
volatile=/run/recoveryd
[ "$root" = $default_root ] || volatile=$root/volatile

# ---- answers ----------------------------------------------------------------------------------

# VERDICT [STATUS]
end() {
	printf '\nrecoveryd-end %s\n' "$nonce"
	printf '\nrecoveryd-end %s %s %s\n' "$nonce" "$1" "${2:-0}" >&2
	exit 0
}

refuse() {
	printf '%s' "$*" >&2
	end refused
}

fenced() {
	printf '%s' "$*" >&2
	survey
	end fenced
}

busy() {
	printf '%s' "$*" >&2
	survey
	end busy
}

check_number() {
	case $2 in
	'' | *[!0-9]*) refuse "$1 is not a number: \"$2\"" ;;
	esac
}

# what becomes part of a path below jobs/ or aside/
check_name() {
	case $2 in
	'' | .* | *[!A-Za-z0-9._-]*) refuse "$1 cannot be \"$2\"" ;;
	esac
}

check_path() {
	case $2 in
	*"$newline"* | *"$tab"*) refuse "$1: a path with a tab or newline" ;;
	/*/ | /) refuse "$1: \"$2\" ends with a slash" ;;
	/*) ;;
	*) refuse "$1: \"$2\" is not an absolute path" ;;
	esac
}

check_step() {
	check_name run "$run"
	check_name state "$state"
	check_number visit "$visit"
	check_number attempt "$attempt"
}

present() {
	[ -e "$1" ] || [ -L "$1" ]
}

# processes that have FILE open, without this one; wrappers only when nothing else has. Called in
# a subshell that has closed it, or that one would be found too.
holders() {
	found='' shells=''
	for fd in /proc/[0-9]*/fd/*; do
		# shellcheck disable=SC3013 # dash, bash and busybox know -ef
		[ "$fd" -ef "$1" ] || continue
		pid=${fd#/proc/}
		pid=${pid%%/*}
		[ "$pid" != $$ ] || continue
		line=$(tr '\0\n' '  ' <"/proc/$pid/cmdline" 2>/dev/null)
		[ -n "$line" ] || line=$(cat "/proc/$pid/comm" 2>/dev/null)
		[ -n "$line" ] || continue
		case $line in
		# by the loader, and a job's body by the text itself
		*'the wrapper was cut off'* | *recoveryd-begin*) shells="$shells${shells:+, }pid $pid (recoveryd ${line##* recoveryd })" ;;
		*) found="$found${found:+, }pid $pid ($(printf '%.200s' "${line% }"))" ;;
		esac
	done
	printf '%.600s' "${found:-${shells:-a process that has just ended}}"
}

# ---- whose the host is ------------------------------------------------------------------------

boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
machine=$(cat /etc/machine-id 2>/dev/null)
machine=${machine:-none}

# 0: e_number, e_run, e_who, e_since, e_state, e_machine; 1: there is no file; 2: damaged
read_epoch() {
	e_number='' e_run='' e_who='' e_since='' e_state='' e_machine=''
	[ -e "$root/epoch" ] || return 1
	while read -r line; do
		case $line in
		number=*) e_number=${line#*=} ;;
		run=*) e_run=${line#*=} ;;
		who=*) e_who=${line#*=} ;;
		since=*) e_since=${line#*=} ;;
		state=*) e_state=${line#*=} ;;
		machine-id=*) e_machine=${line#*=} ;;
		esac
	done <"$root/epoch"
	case $e_number in
	'' | *[!0-9]*) return 2 ;;
	esac
	case $e_state in
	held | released) ;;
	*) return 2 ;;
	esac
	[ -n "$e_run" ] && [ -n "$e_machine" ] || return 2
}

holder() {
	printf 'lock #%s of run %s, %s by %s since %s' "$e_number" "$e_run" "$e_state" "$e_who" "$e_since"
}

damaged="$root/epoch is damaged: read it, and remove it when you are sure that no other run works on this host"

survey() {
	printf 'boot-id=%s\nmachine-id=%s\ntime=%s\n' "$boot" "$machine" "$(date +%s.%N)"
	if read_epoch; then
		printf 'number=%s\nrun=%s\nwho=%s\nsince=%s\nstate=%s\nlock-machine-id=%s\n' \
			"$e_number" "$e_run" "$e_who" "$e_since" "$e_state" "$e_machine"
	fi
	alive_jobs | while read -r line; do
		printf 'job=%s\n' "$line"
	done
}

# a look by one who says that he holds the lock
fence_look() {
	[ "$number" -gt 0 ] || return 0
	read_epoch
	case $? in
	1) fenced "there is no $root/epoch, though run $run took this host: it was rebuilt, or is another one" ;;
	2) refuse "$damaged" ;;
	esac
	[ "$e_run" = "$run" ] && [ "$e_number" -le "$number" ] || fenced "the host has $(holder)"
	[ "$e_machine" = "$machine" ] ||
		fenced "$root/epoch was written on another machine ($e_machine, this is $machine): it was rebuilt"
}

# The order matters: first touch.lock, then the look at the epoch. Who takes the host writes the
# epoch first and then waits for touch.lock, so that one of both is seen by one of both.
touch_begin() {
	[ -d "$root" ] || fenced "there is no $root/epoch: the lock was never taken on this host"
	command exec 9<>"$root/touch.lock" || refuse "cannot open $root/touch.lock"
	flock -s -w 10 9 || refuse "$root/touch.lock is held exclusively: $(exec 9>&-; holders "$root/touch.lock")"
	read_epoch
	case $? in
	1) fenced "there is no $root/epoch: the lock was never taken on this host" ;;
	2) refuse "$damaged" ;;
	esac
	# the end of a journal is written when the lock was given back
	[ "$e_run" = "$run" ] && [ "$e_number" = "$number" ] && { [ "$e_state" = held ] || [ "$verb" = keep ]; } ||
		fenced "run $run asked with lock #$number, the host has $(holder)"
	[ "$e_machine" = "$machine" ] ||
		fenced "$root/epoch was written on another machine ($e_machine, this is $machine)"
}

write_epoch() {
	printf 'number=%s\nrun=%s\nwho=%s\nsince=%s\nstate=%s\nmachine-id=%s\n' \
		"$number" "$run" "$who" "$2" "$1" "$machine" >"$root/epoch.new" &&
		sync "$root/epoch.new" &&
		mv -fT "$root/epoch.new" "$root/epoch" &&
		sync "$root" || {
		rm -f "$root/epoch.new"
		refuse "cannot write $root/epoch"
	}
}

lock_epoch() {
	command exec 8<>"$root/epoch.lock" || refuse "cannot open $root/epoch.lock"
	flock -x -w 10 8 || busy "$root/epoch.lock is held by $(exec 8>&-; holders "$root/epoch.lock")"
}

strange_jobs() {
	alive_jobs | while read -r line; do
		[ "${line%%/*}" = "$run" ] || printf '%s ' "$line"
	done
}

take() {
	check_name run "$run"
	check_number number "$number"
	mkdir -p "$root" && sync "${root%/*}" || refuse "cannot make $root"
	lock_epoch
	read_epoch
	case $? in
	1)
		[ "$enrol" = 1 ] ||
			refuse "there is no $root/epoch: this host was rebuilt or never used; it has to be enrolled"
		;;
	2) refuse "$damaged" ;;
	*)
		if [ "$e_state" = released ]; then
			[ "$number" -gt "$e_number" ] || fenced "#$number is not above the $(holder)"
		else
			[ "$e_run" = "$run" ] && [ "$number" -ge "$e_number" ] || fenced "the host has $(holder)"
			# two engines of one run, the directory having been copied, may ask for the same
			# number: the first has it
			[ "$number" -gt "$e_number" ] || [ "$who" = "$e_who" ] ||
				fenced "another engine of this run was here first: the host has $(holder)"
		fi
		[ "$e_machine" = "$machine" ] || [ "$enrol" = 1 ] ||
			refuse "$root/epoch was written on another machine ($e_machine, this is $machine): the host has to be enrolled"
		;;
	esac
	others=$(strange_jobs)
	[ -z "$others" ] || refuse "a job of another run is alive here: $others"
	write_epoch held "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
	exec 8>&-

	command exec 9<>"$root/touch.lock" || refuse "cannot open $root/touch.lock"
	flock -x -w "$wait" 9 ||
		busy "still touching this host: $(exec 9>&-; holders "$root/touch.lock")"
	read_epoch
	[ "$e_run" = "$run" ] && [ "$e_number" = "$number" ] || fenced "the host has $(holder)"
	# one that was just being started when we looked
	others=$(strange_jobs)
	[ -z "$others" ] || busy "a job of another run is alive here: $others"
	survey
	end 'done'
}

release() {
	[ -d "$root" ] || refuse "there is no $root/epoch"
	lock_epoch
	read_epoch
	case $? in
	1) refuse "there is no $root/epoch" ;;
	2) refuse "$damaged" ;;
	esac
	# a higher number than the host has seen is one whose taking never arrived
	[ "$e_run" = "$run" ] && [ "$number" -ge "$e_number" ] || fenced "not ours: the host has $(holder)"
	who=$e_who number=$e_number
	[ "$e_state" = released ] || write_epoch released "$e_since"
	end 'done'
}

# A person's word against a run that nobody goes on with. run= and number= are those that the person
# saw; the number grows, so that this run, should it live after all, is fenced everywhere.
break_lock() {
	check_name run "$run"
	[ -d "$root" ] || refuse "there is no $root/epoch: nobody has a lock here"
	[ -n "$input" ] || refuse "breaking a lock needs a reason"
	spool
	reason=$(cat <&6 | tr '\n\t' '  ')
	lock_epoch
	read_epoch
	case $? in
	1) refuse "there is no $root/epoch: nobody has a lock here" ;;
	2) refuse "$damaged" ;;
	esac
	[ "$e_run" = "$run" ] && [ "$e_number" = "$number" ] || fenced "it is not that lock any more: the host has $(holder)"
	[ "$e_state" = held ] || refuse "nobody holds it: $(holder)"
	living=$(alive_jobs | tr '\n' ' ')
	[ -z "$living" ] || refuse "a job is alive here: $living"
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	printf '%s\t%s\t%s\t%s\n' "$now" "$who" "$(holder)" "$reason" >>"$root/broken" && sync "$root/broken" ||
		refuse "cannot write $root/broken"
	who="$who, who broke the lock of $e_who" number=$((number + 1))
	write_epoch released "$now"
	exec 8>&-
	command exec 9<>"$root/touch.lock" || refuse "cannot open $root/touch.lock"
	flock -x -w "$wait" 9 ||
		busy "it is broken, but this still touches the host: $(exec 9>&-; holders "$root/touch.lock")"
	survey
	end 'done'
}

# ---- commands ---------------------------------------------------------------------------------

# The input is here completely before anything acts on it, and never under a name while it is.
spool() {
	[ -n "$input" ] || return 0
	check_number input "$input"
	dir=/run
	[ "$root" = $default_root ] && [ -w $dir ] || dir=$root
	file=$(mktemp "$dir/.recoveryd.XXXXXX") || refuse "no room for the input in $dir"
	exec 5<>"$file"
	rm -f "$file"
	head -c "$input" >&5 || refuse "no room for the input in $dir"
	exec 6</proc/$$/fd/5 5>&-
	got=$(stat -L -c %s /proc/$$/fd/6)
	[ "$got" = "$input" ] || refuse "only $got of $input bytes of input came"
}

check_cwd() {
	case $cwd in
	/*) [ -d "$cwd" ] || refuse "no directory $cwd" ;;
	*) refuse "not an absolute directory: $cwd" ;;
	esac
}

# What stands before the command is its environment, NAME=value. The detour of stderr keeps away
# what bash says about a command that a signal ended.
execute() {
	cd "$cwd" || return 126
	if [ -n "$input" ]; then
		{ env -i PATH="$PATH" HOME=/root LC_ALL=C "$@" <&6 6<&- 2>&4 4>&-; } 4>&2 2>/dev/null
	else
		{ env -i PATH="$PATH" HOME=/root LC_ALL=C "$@" </dev/null 2>&4 4>&-; } 4>&2 2>/dev/null
	fi
}

ask() {
	fence_look
	check_cwd
	spool
	execute "$@"
	end 'done' $?
}

run_command() {
	check_cwd
	spool
	touch_begin
	execute "$@"
	end 'done' $?
}
