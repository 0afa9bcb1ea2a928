#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vendor-test.sh BUILD MESON SIM: what a vendor does, with nothing of this tree but what was
# installed: builds the example outside of it, installs it, has it checked, rehearses it.
set -eu
build=$1 meson=$2 sim=$3
here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'echo "Bail out! line $LINENO: $BASH_COMMAND"' ERR

wrong() {
	echo "not ok - $*"
	exit 1
}

installed() {
	"$meson" install -C "$build" --no-rebuild --destdir "$dir/root" >"$dir/log" 2>&1 ||
		{ cat "$dir/log" && wrong "meson install"; }
	prefix=$dir/root$(sed -n 's/^prefix=//p' "$build/meson-private/recovery.pc")
	PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name recovery.pc)")
	export PKG_CONFIG_PATH
	# as if this had been the prefix; a pkg-config option for it would move GLib, too
	sed -i "s|^prefix=.*|prefix=$prefix|" "$PKG_CONFIG_PATH/recovery.pc"
	RECOVERYD_PLUGIN_DIR=$(pkg-config --variable=plugindir recovery)
	RECOVERYD_PROCEDURE_DIR=$(pkg-config --variable=proceduredir recovery)
	export RECOVERYD_PLUGIN_DIR RECOVERYD_PROCEDURE_DIR
	recoveryd=$prefix/bin/recoveryd
	[ -x "$recoveryd" ] || wrong "no $recoveryd"
	[ -f "$RECOVERYD_PLUGIN_DIR/etcd.so" ] || wrong "plugindir of recovery.pc has no shipped plugin"
	[ -f "$RECOVERYD_PROCEDURE_DIR/manual-restore.yaml" ] || wrong "proceduredir has no procedure"
	[ "$(cd "$prefix/include" && find . -type f | sort | xargs)" = "./recovery/kubernetes.h ./recovery/plugin.h" ] ||
		wrong "other headers than kubernetes.h and plugin.h are installed"
	echo "ok - installed: two headers, recovery.pc, shipped plugins and procedures where it says"
}

built() {
	cp -r "$here/example" "$dir/example"
	make -s -C "$dir/example" CFLAGS='-O2 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers'
	make -s -C "$dir/example" install
	for plugin in banner unit; do
		[ "$(nm -D --defined-only "$RECOVERYD_PLUGIN_DIR/$plugin.so" | awk '{ print $3 }')" = recovery_plugin ] ||
			wrong "$plugin.so exports more than its table"
	done
	[ "$(wc -l <"$here/example/banner.c")" -le 50 ] || wrong "a simple plugin has more than 50 lines"
	[ "$(wc -l <"$here/example/Makefile")" -le 10 ] || wrong "its Makefile has more than 10"
	echo "ok - built and installed with pkg-config alone"
}

# accepted ARG…: recoveryd ARG… says 0
accepted() {
	"$recoveryd" "$@" >"$dir/out" 2>&1 || { cat "$dir/out" && wrong "recoveryd $*: exit $?"; }
}

checked() {
	accepted plugin check "$RECOVERYD_PLUGIN_DIR/banner.so"
	grep -q '^banner/hang: keeps its promises in' "$dir/out" || { cat "$dir/out" && wrong "banner/hang"; }
	accepted plugin check "$RECOVERYD_PLUGIN_DIR/unit.so" --with unit=kubelet.service
	grep -q '^unit/restart: keeps its promises in' "$dir/out" || { cat "$dir/out" && wrong "unit/restart"; }
	accepted plugin check "$RECOVERYD_PLUGIN_DIR/unit.so"
	grep -q '^unit/restart: not tried, unit has no default' "$dir/out" || { cat "$dir/out" && wrong "no --with"; }
	accepted plugin check "$RECOVERYD_PLUGIN_DIR/kubelet.so"
	accepted plugin list
	grep -q '^ *banner/hang .*change' "$dir/out" || { cat "$dir/out" && wrong "plugin list does not show banner/hang"; }
	accepted plugin show unit/restart
	grep -q 'with unit' "$dir/out" || { cat "$dir/out" && wrong "plugin show has no parameter"; }
	accepted procedure check keep-out
	accepted procedure check restart-unit
	echo "ok - recoveryd knows the plugins and procedures"
}

# refused FILE WORDS: exit code 2 and one line that names the file
refused() {
	local status=0
	"$recoveryd" plugin check "$1" >"$dir/out" 2>&1 || status=$?
	if [ $status != 2 ] || [ "$(wc -l <"$dir/out")" != 1 ] || ! grep -qF "$1: $2" "$dir/out"; then
		cat "$dir/out" && wrong "$1: exit $status, expected one line with \"$2\""
	fi
}

refusals() {
	local broken=$build/tests/unit/plugins
	refused "$broken/api-2.so" "built for plugin API 2, this is 1"
	refused "$broken/undefined.so" "undefined symbol: acme_missing"
	refused "$broken/no-undo.so" "act: a change needs undo"
	refused "$broken/no-table.so" "exports no recovery_plugin"
	refused "$dir/example/Makefile" ""
	refused "$dir/nothing.so" "No such file"
	cp "$RECOVERYD_PLUGIN_DIR/banner.so" "$dir/loose.so"
	chmod 666 "$dir/loose.so"
	refused "$dir/loose.so" "may be written by others (mode 0666): chmod go-w"
	# not a wild pointer: a sanitizer would make something else of it
	printf '#include <signal.h>\n__attribute__((constructor)) static void f(void) { raise(SIGKILL); }' |
		cc -x c -shared -fPIC -o "$dir/crash.so" -
	refused "$dir/crash.so" "the process that loaded it was killed by signal 9"
	# one that is installed and unfit is named by whatever needs the plugins
	cp "$broken/api-2.so" "$RECOVERYD_PLUGIN_DIR/zebra.so"
	if "$recoveryd" procedure check keep-out >"$dir/out" 2>&1 ||
		! grep -qF "zebra.so: built for plugin API 2, this is 1" "$dir/out"; then
		cat "$dir/out" && wrong "an unfit plugin in plugindir goes unnoticed"
	fi
	rm "$RECOVERYD_PLUGIN_DIR/zebra.so"
	echo "ok - what is unfit is refused in one line"
}

rehearsed() {
	"$sim" --plugin "$RECOVERYD_PLUGIN_DIR/banner.so" -p "$RECOVERYD_PROCEDURE_DIR/keep-out.yaml" \
		-t 3 -e 7 >"$dir/out" || { cat "$dir/out" && wrong "the simulated cluster"; }
	grep -q 'faulted recoveries' "$dir/out" || { cat "$dir/out" && wrong "nothing was rehearsed"; }
	echo "ok - rehearsed: $(sed -n 's/^# \(.* faulted recoveries\).*/\1/p' "$dir/out")"
}

documented() {
	local tutorial=$here/../../docs/plugins.md
	# shellcheck disable=SC2016
	sed -n '/^```c$/,/^```$/{/^```/!p;/^```$/q}' "$tutorial" | diff - "$here/example/banner.c" ||
		wrong "docs/plugins.md does not begin with example/banner.c as it is"
	for name in $(grep -oE '\brecovery_[a-z_0-9]+ ?\(' "$here/../../include/recovery/plugin.h" | tr -d ' (' | sort -u); do
		grep -q "\b$name\b" "$tutorial" || wrong "docs/plugins.md does not know $name()"
	done
	echo "ok - the tutorial begins with this very example and knows every function"
}

installed
built
checked
refusals
rehearsed
documented
echo 1..6
