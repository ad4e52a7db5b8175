// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// firstVariables are what hooks see of the driver from the first phase on
// (element contract §2.7).
func (b *Build) firstVariables() Environment {
	p, user := b.opt.Plan, b.user()
	env := Environment{
		"ARCH":            p.Architecture,
		"TMP_BUILD_DIR":   b.dirs.build,
		"TMP_MOUNT_PATH":  b.dirs.mount,
		"TMP_HOOKS_PATH":  b.dirs.hooks,
		"TMP_IMAGE_DIR":   b.dirs.image,
		"OUT_IMAGE_PATH":  "",
		"IMAGE_NAME":      b.imageName(),
		"IMAGE_TYPE":      "qcow2",
		"IMAGE_ELEMENT":   b.elements.EnvironmentList(),
		"ELEMENTS_PATH":   b.elementsPath(),
		"_LIB":            b.dirs.library,
		"DIB_PYTHON_EXEC": filepath.Join(b.dirs.library, "python3-shim"),
		"DIB_ARGS":        strings.Join(p.Requested, " "),
		"DIB_ENV":         user.dibEnvironment(b.opt.Extra),
		"DIB_CHECKSUM":    user.or("DIB_CHECKSUM", "0"),
		"DIB_DEBUG_TRACE": user.or("DIB_DEBUG_TRACE", "0"),
		"DIB_NO_TMPFS":    boolean(p.Workspace.MemoryBytes == 0),
		"DIB_MIN_TMPFS":   user.or("DIB_MIN_TMPFS", "2"),
		"DIB_IMAGE_CACHE": p.Workspace.ImageCache,
		"DIB_LOCKFILES":   b.lockFiles(),
		"DIB_OFFLINE":     b.offline(),
		"FS_TYPE":         p.Layout.Root().Type,
		"LC_ALL":          "C",
		"PS4":             "+ ",

		"DIB_BLOCK_DEVICE_PARAMS_YAML": filepath.Join(b.dirs.build, "block-device", "params.yaml"),
		"IMAGE_ELEMENT_YAML":           b.elements.EnvironmentYAML(),
		element.BashArrayVariable:      b.elements.BashArrayFunction(),
	}
	for name, value := range p.OptionVariables() {
		env[name] = value
	}
	if p.Compat() {
		env["DIB_COMPAT"] = "1"
	}
	return env.With(bashFunctions(b.dirs.library)).With(p.Layout.Variables())
}

// imageName is the path of the outputs without their extension.
func (b *Build) imageName() string {
	name := b.opt.Plan.Output.Name
	if b.staging == nil {
		return filepath.Join(b.dirs.image, name) // nothing is put out: Evaluate
	}
	return b.staging.Path(name)
}

// lockFiles is a place that all builds of this user share.
func (b *Build) lockFiles() string {
	return b.user().or("DIB_LOCKFILES", filepath.Join(b.user().or("HOME", "/root"), ".cache", "dib", "lockfiles"))
}

func (b *Build) offline() string {
	if b.opt.Offline {
		return "1"
	}
	return b.user().or("DIB_OFFLINE", "")
}

// user is the caller's environment with the template's variables over it.
func (b *Build) user() Environment { return b.opt.Caller.With(b.opt.Extra) }

// or returns a variable's value, or a default if it is unset or empty.
func (e Environment) or(name, value string) string {
	if v := e[name]; v != "" {
		return v
	}
	return value
}

func boolean(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func (b *Build) elementsPath() string {
	return strings.Join(append(append([]string{}, b.opt.Plan.ElementPaths...), b.dirs.elements), ":")
}

// bashFunctions are the functions that upstream's driver exports to hooks on
// the host (element contract §2.3), in the form in which bash inherits them.
func bashFunctions(library string) Environment {
	return Environment{
		"BASH_FUNC_die%%":  "() { local _dib_status=$?; . " + strconv.Quote(filepath.Join(library, "die")) + "; die \"$@\"\n}",
		"BASH_FUNC__ps4%%": "() { printf '%s:%s' \"${BASH_SOURCE##*/}\" \"${BASH_LINENO[0]}\"\n}",
	}
}

// hostEnvironment is the environment of a hook on the host in a phase.
func (b *Build) hostEnvironment(phase hook.Phase) Environment {
	env := b.user().With(b.driver)
	extra := []string{}
	if b.opt.Plan.SudoMissing {
		extra = append(extra, b.sudoDirectory())
	}
	env["PATH"] = HostPath(env["PATH"], extra...)
	if phase.TargetRoot {
		env["TARGET_ROOT"] = b.dirs.mount
	}
	return env
}

// sudoDirectory holds the stand-in for a sudo that the host lacks.
func (b *Build) sudoDirectory() string { return filepath.Join(b.dirs.library, "path") }

func (b *Build) installType() string {
	if b.opt.InstallType != "" {
		return b.opt.InstallType
	}
	return b.user().or("DIB_DEFAULT_INSTALLTYPE", "source")
}

// writeInstallType writes the one file that the driver itself adds to
// environment.d (element contract §2.2 step 5).
func (b *Build) writeInstallType() error {
	dir := filepath.Join(b.dirs.hooks, "environment.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text := hook.InstallTypeContent(b.installType())
	return os.WriteFile(filepath.Join(dir, hook.InstallTypeFile), []byte(text), 0o644)
}
