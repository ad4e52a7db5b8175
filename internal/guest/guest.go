// SPDX-License-Identifier: MPL-2.0

// Package guest is the set of helper commands that the hooks of elements call.
//
// One static binary, the plugin itself, serves them all: a helper is a symbolic
// link with the helper's name, and Main dispatches on the base name of argv[0].
// Host helpers are linked in the library directory ($_LIB), chroot helpers in
// /usr/local/bin of the target for as long as a phase runs. Thus elements work
// on a host and in a target without Python.
//
// A helper is a function of a call: its arguments, environment, streams, the
// runner of other programs and the root of the system it looks at. It never
// touches the world by other means, so that a test can give it another one.
//
// Helpers take the arguments, give the return codes and write the files of the
// tools of the same name in diskimage-builder, element contract §1.6 and §4.
// Differences are those that its section 11 asks for.
package guest

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// helper is one command. A returned error is printed after the command's name;
// the status is 1 unless the error carries another.
type helper func(ctx context.Context, c *call) error

// lookup finds the helper of that name.
func lookup(name string) (helper, bool) {
	switch name {
	case "apt-pins":
		return aptPins, true
	case "cache-url":
		return cacheURL, true
	case quietName:
		return quietly, true
	case "dib-init-system":
		return initSystem, true
	case "dib-run-parts":
		return runParts, true
	case "element-manifest":
		return elementManifest, true
	case "host-apt-mirror":
		return hostAptMirror, true
	case "install-types-enable":
		return installTypesEnable, true
	case "package-installs":
		return legacyInstalls, true
	case "package-installs-squash":
		return squash, true
	case "package-installs-v2":
		return installPhase, true
	case "package-uninstalls":
		return legacyUninstalls, true
	case pigzName:
		return pigz, true
	case "pkg-map":
		return pkgMap, true
	case "pkg-map-install":
		return pkgMapInstall, true
	case "python3-shim":
		return pythonShim, true
	case "source-repositories":
		return sourceRepositories, true
	case sudoName:
		return sudo, true
	case "svc-map":
		return svcMap, true
	case "svc-map-merge":
		return svcMapMerge, true
	}
	return nil, false
}

// HostCommands names the helpers that hooks outside the target call. WriteLibrary
// links them. The stand-in for sudo is not among them: see LinkSudo.
func HostCommands() []string {
	return []string{
		"apt-pins", "cache-url", quietName, "dib-run-parts", "element-manifest", "host-apt-mirror", "install-types-enable",
		"package-installs-squash", "pkg-map-install", "python3-shim", "source-repositories", "svc-map-merge",
	}
}

// ChrootCommands names the helpers that hooks inside the target call.
func ChrootCommands() []string {
	return []string{
		"cache-url", "dib-init-system", pigzName, quietName, "dib-run-parts", "package-installs", "package-installs-v2",
		"package-uninstalls", "pkg-map", "svc-map",
	}
}

// Main runs the helper that argv[0] names, in this process's world, and returns
// its exit status. It reports false, having done nothing, when argv[0] names none.
func Main(argv []string) (code int, handled bool) {
	if len(argv) == 0 {
		return 0, false
	}
	run, ok := lookup(filepath.Base(argv[0]))
	if !ok {
		return 0, false
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return serve(ctx, run, &call{
		argv0: argv[0], args: argv[1:], env: os.Environ(), root: "/",
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		runner: command.Host{}, exec: syscall.Exec, become: become,
	}), true
}
