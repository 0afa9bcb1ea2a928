# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# What runs on a host, for one call (call.h): `sh -c THIS recoveryd VERB key=value ... [-- ...]`.
# It is never stored there. Needs coreutils and flock; uses systemd-run where systemd is pid 1.
# The files are described in docs/hosts.md.
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
		*recoveryd-begin*) shells="$shells${shells:+, }pid $pid (recoveryd ${line##* recoveryd })" ;;
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
	1) return 0 ;;
	2) refuse "$damaged" ;;
	esac
	[ "$e_run" = "$run" ] && [ "$e_number" -le "$number" ] || fenced "the host has $(holder)"
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
	[ "$e_run" = "$run" ] && [ "$e_number" = "$number" ] && [ "$e_state" = held ] ||
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
	[ "$e_run" = "$run" ] && [ "$e_number" = "$number" ] || fenced "not ours: the host has $(holder)"
	who=$e_who
	[ "$e_state" = released ] || write_epoch released "$e_since"
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

# ---- jobs -------------------------------------------------------------------------------------

alive() {
	flock -n -s -E 75 5 2>/dev/null 5<"$1/lock"
	[ $? -eq 75 ]
}

alive_jobs() {
	for d in "$root"/jobs/*/*/*; do
		[ -e "$d/lock" ] && alive "$d" && printf '%s\n' "${d#"$root"/jobs/}"
	done
}

# DIR -> $status, empty when there is no complete result
read_result() {
	status=''
	volatile_result=$volatile/$(printf '%s' "${1#"$root"/jobs/}" | tr / _).result
	for file in "$1/result" "$volatile_result"; do
		[ -f "$file" ] || continue
		value='' complete=no
		while read -r line; do
			case $line in
			status=*) value=${line#*=} ;;
			end) complete=yes ;;
			esac
		done <"$file"
		if [ $complete = yes ]; then
			status=$value
			return
		fi
	done
}

# DIR, which exists
job_report() {
	if [ "$wait" -gt 0 ]; then
		flock -s -w "$wait" 5 2>/dev/null 5<"$1/lock"
	fi
	held=no
	alive "$1" && held=yes
	read_result "$1"
	tail -c $log_limit "$1/log" 2>/dev/null
	if [ $held = yes ]; then
		[ -z "$status" ] ||
			printf 'the command ended with status %s, but what it started still runs: %s' \
				"$status" "$(holders "$1/lock")" >&2
		end alive
	fi
	[ -n "$status" ] || end died
	end 'done' "$status"
}

# nothing of it on this host: an answer only from the same boot of the same machine
job_missing() {
	if [ -n "$want_boot" ] && [ "$want_boot" != "$boot" ]; then
		printf 'the host was booted since (boot id %s, was %s)' "$boot" "$want_boot" >&2
		end unknown
	fi
	if [ -n "$want_machine" ] && [ "$want_machine" != "$machine" ]; then
		printf 'this is another machine (machine id %s, was %s)' "$machine" "$want_machine" >&2
		end unknown
	fi
	[ "$verb" = job-start ] || end "$1"
}

job_state() {
	check_step
	check_name name "$name"
	check_number wait "$wait"
	fence_look
	if [ "$attempt" -eq 0 ]; then
		newest=0
		for d in "$root/jobs/$run/$state.$visit".*/"$name"; do
			[ -d "$d" ] || continue
			n=${d%/*}
			n=${n##*.}
			case $n in
			*[!0-9]*) continue ;;
			esac
			[ "$n" -gt "$newest" ] && newest=$n
		done
		job=$root/jobs/$run/$state.$visit.$newest/$name
	fi
	[ -d "$job" ] || job_missing absent
	job_report "$job"
}

settle() {
	check_step
	check_number wait "$wait"
	fence_look
	deadline=$(($(date +%s) + wait))
	names=''
	for d in "$step"/*; do
		[ -e "$d/lock" ] || continue
		left=$((deadline - $(date +%s)))
		[ $left -gt 0 ] && flock -s -w $left 5 2>/dev/null 5<"$d/lock"
		alive "$d" && names=$names${d##*/}$newline
	done
	if [ -n "$names" ]; then
		printf '%s' "$names"
		end alive
	fi
	job_missing 'done'
}

command_hash() {
	printf '%s\0' "$cwd" "$@" | sha256sum | cut -c 1-64
}

job_start() {
	check_step
	check_name name "$name"
	check_number wait "$wait"
	check_cwd
	hash=$(command_hash "$@")
	spool
	touch_begin
	if [ ! -d "$job" ]; then
		job_missing started
		answer=$(launch scope "$@")
		case $answer in
		started | exists) ;;
		no:*) refuse "${answer#no:}" ;;
		*)
			# systemd-run failed before the body began; making the job is exclusive, so
			# that a late one does no harm
			[ -d "$job" ] || answer=$(launch plainly "$@")
			case $answer in
			started | exists) ;;
			no:*) refuse "${answer#no:}" ;;
			*) [ -d "$job" ] || refuse "the job could not be started" ;;
			esac
			;;
		esac
	fi
	exec 9>&-
	while read -r line; do
		case $line in
		command="$hash") ;;
		command=*) refuse "job $name of this attempt runs another command already, see $job/who" ;;
		esac
	done <"$job/who"
	job_report "$job"
}

# scope|plainly COMMAND: starts the body and prints what it says about itself, on descriptor 7. A scope, not a service:
# systemd expands ${} in a service's arguments, and a scope keeps the operator's audit id and SELinux
# context. It leaves the session's cgroup, so that the end of the session does not end it.
launch() {
	how=$1
	shift
	text=$(tr '\n\0' '\001\n' </proc/$$/cmdline | head -n 3 | tail -n 1 | tr '\001' '\n')
	shell=$(tr '\n\0' '\001\n' </proc/$$/cmdline | head -n 1)
	exec 7>&1 >/dev/null 2>&1 </dev/null
	set -- "$shell" -c "$text" recoveryd job-body "root=$root" "nonce=$nonce" "run=$run" \
		"number=$number" "head=$head" "state=$state" "visit=$visit" "attempt=$attempt" \
		"name=$name" "cwd=$cwd" "input=$input" -- "$@"
	if [ -d /run/systemd/system ] && [ "$root" = $default_root ] && [ "$how" = scope ]; then
		literal=''
		case $(systemd-run --help 2>/dev/null) in
		*--expand-environment*) literal=--expand-environment=no ;;
		esac
		unit=$(printf 'recoveryd-%s-%s.%s.%s-%.60s' "$run" "$state" "$visit" "$attempt" "$name")
		# shellcheck disable=SC2086 # nothing or one word
		setsid systemd-run --scope --quiet --collect $literal --slice=system.slice \
			--unit="$unit" "$@" &
	else
		setsid "$@" &
	fi
}

body_fails() {
	printf 'no:%s' "$*" >&7
	[ -z "${made:-}" ] || rm -rf "$made"
	exit 1
}

# The detached process. Its directory appears under its name complete and locked, by one rename
# that fails when there is one already; nothing has been executed until then.
job_body() {
	hash=$(command_hash "$@")
	mkdir -p "$step" "$root/work/$run" || body_fails "cannot make $step"
	mkdir -p "$volatile" 2>/dev/null
	made=$(mktemp -d "$step/.$name.XXXXXX") || body_fails "cannot make a directory in $step"
	exec 5<>"$made/lock"
	flock -n -x 5 || body_fails "cannot lock $made/lock"
	printf 'number=%s\nboot-id=%s\nmachine-id=%s\ncommand=%s\nhead=%s\npid=%s\nstarted=%s\n' \
		"$number" "$boot" "$machine" "$hash" "$head" $$ "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		>"$made/who" &&
		: >"$made/log" &&
		head -c 512 /dev/zero | tr '\0' '\n' >"$made/result" &&
		sync "$made/who" "$made/log" "$made/result" "$made" &&
		[ "$(stat -c %s "$made/result")" = 512 ] || body_fails "no room for a job in $step"
	if ! mv -T "$made" "$job" 2>/dev/null; then
		rm -rf "$made"
		printf exists >&7
		exit 0
	fi
	made=$job
	sync "$step" "$root/jobs/$run" "$root/jobs" "$root" || body_fails "cannot sync $step"
	made=''
	printf started >&7
	exec 7>&- 9>&-

	execute "$@" >>"$job/log" 2>&1
	code=$?
	# over the space that was written before: a full disk does not lose it
	{
		printf 'status=%s\nended=%s\nend\n' $code "$(date -u +%Y-%m-%dT%H:%M:%SZ)" |
			dd of="$job/result" conv=notrunc,fsync status=none
	} 2>/dev/null || {
		read_result "$job"
		printf 'status=%s\nend\n' "$code" >"$volatile_result"
	}
	exit 0
}

# ---- moving -----------------------------------------------------------------------------------

# DIR -> $existing, the nearest that exists
nearest() {
	existing=$1
	while [ ! -d "$existing" ]; do
		present "$existing" && refuse "$existing is not a directory"
		existing=${existing%/*}
		existing=${existing:-/}
	done
}

# FROM-DIR TO-DIR: 0 on one mount, 1 on two. st_dev does not tell: bind mounts of one file system
# have the same and yet rename(2) gives EXDEV between them.
same_mount() {
	probe=.recoveryd-probe.$$
	(: >"$1/$probe") 2>/dev/null || refuse "cannot write in $1"
	said=$(ln -T "$1/$probe" "$2/$probe.to" 2>&1)
	linked=$?
	rm -f "$1/$probe" "$2/$probe.to"
	[ $linked -ne 0 ] || return 0
	case $said in
	*ross-device*) return 1 ;;
	esac
	refuse "cannot try a link from $1 to $2: $said"
}

check_source() {
	present "$1" || refuse "$1 does not exist"
	[ -L "$1" ] || [ ! -d "$1" ] || ! mountpoint -q "$1" ||
		refuse "$1 is a mount point and cannot be moved; move what is in it"
	case $2/ in
	"$1"/*) refuse "$2 is inside of $1" ;;
	esac
}

# DIR: made with its parents, each synced
make_dir() {
	[ ! -d "$1" ] || return 0
	make_dir "$(dirname "$1")"
	mkdir "$1" 2>/dev/null || [ -d "$1" ] || refuse "cannot make the directory $1"
	sync "$(dirname "$1")"
}

# FROM TO, all guards but the mount passed
rename_checked() {
	present "$2" && refuse "$2 exists already"
	make_dir "$(dirname "$2")"
	inode=$(stat -c %i "$1")
	said=$(mv -nT "$1" "$2" 2>&1)
	if present "$1" || [ "$(stat -c %i "$2" 2>/dev/null)" != "$inode" ]; then
		refuse "$1 could not be moved to $2: ${said:-$2 came into being meanwhile}"
	fi
	if ! sync "$(dirname "$1")" "$(dirname "$2")"; then
		printf 'moved, but %s could not be synced' "$2" >&2
		end 'done' 1
	fi
}

move() {
	check_path from "$from"
	check_path to "$to"
	touch_begin
	check_source "$from" "$to"
	present "$to" && refuse "$to exists already"
	nearest "$(dirname "$to")"
	same_mount "$(dirname "$from")" "$existing" ||
		refuse "$from and $to are on different mounts: a rename cannot do it"
	rename_checked "$from" "$to"
	end 'done'
}

# DIR: says how each thing in the index can be put back
write_readme() {
	{
		printf 'Moved aside on this host by recoveryd, run %s. Nothing was deleted.\n' "$run"
		printf 'To put one back, while no run holds this host (%s/epoch):\n\n' "$root"
		while IFS=$tab read -r was is; do
			present "$is" && printf "    mv -nT '%s' '%s'\n" "$is" "$was"
		done <"$aside/index"
	} >"$1/.README.new" && mv -fT "$1/.README.new" "$1/README"
}

move_aside() {
	check_name run "$run"
	check_path from "$from"
	case $from in
	*\'*) refuse "$from: a path with a quote" ;;
	esac
	touch_begin
	dir=$(dirname "$from")
	base=${from##*/}
	check_source "$from" "$aside"
	make_dir "$aside"
	case $dir in
	*/etc/kubernetes/manifests)
		readme=${dir%/manifests}/recoveryd/$run
		to=$readme/$base
		make_dir "$readme"
		same_mount "$dir" "$readme" || refuse "$dir and $readme are on different mounts"
		;;
	*)
		readme=$aside
		to=$aside/$(printf '%s' "$from" | tr / _)
		same_mount "$dir" "$aside" || to=${dir%/}/recoveryd-$run-$base
		;;
	esac
	present "$to" && refuse "$to exists already: something was moved aside from there before"
	# before the rename, so that no crash leaves it without a trace
	{
		[ ! -e "$aside/index" ] || cat "$aside/index"
		printf '%s\t%s\n' "$from" "$to"
	} >"$aside/.index.new" && sync "$aside/.index.new" &&
		mv -fT "$aside/.index.new" "$aside/index" && sync "$aside" ||
		refuse "cannot write $aside/index"
	rename_checked "$from" "$to"
	write_readme "$aside"
	[ "$readme" = "$aside" ] || write_readme "$readme"
	printf '%s' "$to"
	end 'done'
}

aside_path() {
	check_name run "$run"
	fence_look
	to=''
	if [ -e "$aside/index" ]; then
		while IFS=$tab read -r was is; do
			[ "$was" = "$from" ] && present "$is" && to=$is
		done <"$aside/index"
	fi
	printf '%s' "$to"
	[ -n "$to" ]
	end 'done' $?
}

# ---- files ------------------------------------------------------------------------------------

hash_of() {
	sha256sum <"$1" | cut -c 1-64
}

put() {
	check_name run "$run"
	check_path to "$to"
	check_number size "$size"
	check_number mode "$mode"
	touch_begin
	[ ! -d "$to" ] || refuse "$to is a directory"
	dir=$(dirname "$to")
	if [ -f "$to" ] && [ ! -L "$to" ] && [ "$(stat -c %a "$to")" = "$mode" ] &&
		[ "$(stat -c %s "$to")" = "$size" ] && [ "$(hash_of "$to")" = "$sha256" ]; then
		end 'done'
	fi
	nearest "$dir"
	make_dir "$root/work/$run"
	make_dir "$dir"
	part=$dir/.recoveryd-$run-${to##*/}
	command exec 5<>"$part" || refuse "cannot write in $dir"
	flock -n -x 5 || refuse "$to: an earlier transfer of it is not over yet"
	# over what an earlier one left
	: >"$part"
	if ! said=$(head -c "$size" 2>&1 >"$part"); then
		rm -f "$part"
		refuse "$to: $said"
	fi
	got=$(stat -c %s "$part")
	if [ "$got" != "$size" ]; then
		rm -f "$part"
		refuse "$to: $got of $size bytes came"
	fi
	got=$(hash_of "$part")
	if [ "$got" != "$sha256" ]; then
		rm -f "$part"
		refuse "$to: SHA-256 of what came is $got, not $sha256"
	fi
	if ! said=$(chmod "$mode" "$part" 2>&1 && sync "$part" 2>&1 && mv -fT "$part" "$to" 2>&1); then
		rm -f "$part"
		refuse "$to: $said"
	fi
	if ! sync "$dir"; then
		printf 'written, but %s could not be synced' "$dir" >&2
		end 'done' 1
	fi
	end 'done'
}

fetch() {
	check_path from "$from"
	check_number offset "$offset"
	check_number size "$size"
	fence_look
	present "$from" || refuse "$from does not exist"
	[ -f "$from" ] || refuse "$from is not a file"
	[ "$size" -gt 0 ] && [ "$size" -lt $fetch_limit ] || size=$fetch_limit
	whole="$(stat -L -c %s "$from") $(hash_of "$from")"
	dd if="$from" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$size" status=none
	status=$?
	printf '%s' "$whole" >&2
	end 'done' $status
}

# ---- ------------------------------------------------------------------------------------------

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
*) refuse "unknown verb $verb" ;;
esac
