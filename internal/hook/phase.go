// SPDX-License-Identifier: MPL-2.0

package hook

// Where is the side on which a phase's hooks run.
type Where int

const (
	// Host hooks run outside the image, in the directory that the build was
	// started from.
	Host Where = iota
	// Chroot hooks run inside the image, in its root directory.
	Chroot
)

// String is "host" or "chroot".
func (w Where) String() string {
	if w == Chroot {
		return "chroot"
	}
	return "host"
}

// EnvironmentDir is the directory of environment files. It is no phase.
const EnvironmentDir = "environment.d"

// FirstBootDir is the directory of scripts that run in the image, once, when it
// boots for the first time. It is no phase.
const FirstBootDir = "first-boot.d"

// Phase is one step of a build for which elements may have hooks.
type Phase struct {
	// Name is the directory of the hooks, such as "install.d".
	Name string
	// Where the hooks run.
	Where Where
	// TargetRoot tells that the hooks get TARGET_ROOT, the path of the image's
	// root on the host.
	TargetRoot bool
	// Meaning is a line on what the phase is for.
	Meaning string
}

// Phases lists all phases in the order in which they run (element contract §2.2).
func Phases() []Phase {
	return []Phase{
		{"root.d", Host, true, "puts the root file system of a distribution in place"},
		{"extra-data.d", Host, false, "copies files of the host that later phases need into the image"},
		{"pre-install.d", Chroot, false, "prepares package manager and repositories"},
		{"install.d", Chroot, false, "installs packages and software"},
		{"post-install.d", Chroot, false, "configures what is installed, enables services"},
		{"post-root.d", Host, false, "works on the finished tree before it goes to a disk"},
		{"block-device.d", Host, false, "legacy; a disk that a hook makes by itself is refused"},
		{"pre-finalise.d", Host, false, "works on the mounted disk before finalise.d"},
		{"finalise.d", Chroot, false, "finishes on the final file system, such as the boot loader"},
		{"cleanup.d", Host, true, "removes what only the build needed, takes results out"},
	}
}
