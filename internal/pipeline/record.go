// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"slices"
	"sort"
	"strings"
)

// secretWords mark variables whose values do not belong in a manifest
// (element contract §11, quirk 30).
var secretWords = []string{"PASSWORD", "PASSWD", "SECRET", "TOKEN", "_KEY", "CREDENTIAL"}

// recorded are variables that say how an image is built and hold no secret.
// Other variables of a template may: Packer tells nobody which of its values are
// sensitive.
var recorded = []string{
	"DIB_ADD_APT_KEYS", "DIB_APT_KEYRING", "DIB_APT_LOCAL_CACHE", "DIB_APT_MINIMAL_CREATE_INTERFACES", "DIB_APT_SOURCES_CONF",
	"DIB_AVOID_PACKAGES_UPDATE", "DIB_BLOCK_DEVICE_CONFIG", "DIB_BLOCK_SIZE", "DIB_BOOT_LABEL", "DIB_BOOTLOADER_DEFAULT_CMDLINE",
	"DIB_BOOTLOADER_SERIAL_CONSOLE", "DIB_BOOTLOADER_USE_SERIAL_CONSOLE", "DIB_BOOTLOADER_VIRTUAL_TERMINAL", "DIB_CHECKSUM",
	"DIB_CLOUD_IMAGES", "DIB_CLOUD_INIT_ALLOW_SSH_PWAUTH", "DIB_CLOUD_INIT_DATASOURCES", "DIB_CLOUD_INIT_ETC_HOSTS",
	"DIB_DEBIAN_COMPONENTS", "DIB_DEBIAN_COMPONENTS_WS", "DIB_DEBIAN_DEBOOTSTRAP_SCRIPT", "DIB_DEBIAN_DISTRIBUTION_MIRROR",
	"DIB_DEBIAN_KERNEL", "DIB_DEBIAN_KEYRING", "DIB_DEBIAN_SECURITY_MIRROR", "DIB_DEBIAN_SECURITY_PATH",
	"DIB_DEBIAN_SECURITY_SUBPATH", "DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE", "DIB_DEBOOTSTRAP_CACHE", "DIB_DEBOOTSTRAP_DEFAULT_LOCALE",
	"DIB_DEBOOTSTRAP_EXTRA_ARGS", "DIB_DEBOOTSTRAP_NETWORK", "DIB_DEBUG_TRACE", "DIB_DEFAULT_INSTALLTYPE", "DIB_DEV_USER_GROUPS",
	"DIB_DEV_USER_PWDLESS_SUDO", "DIB_DEV_USER_SHELL", "DIB_DEV_USER_USERNAME", "DIB_DISABLE_APT_CLEANUP",
	"DIB_DISTRIBUTION_MIRROR", "DIB_ELEMENT_MANIFEST_PATH", "DIB_EPEL_MIRROR", "DIB_FLAVOR", "DIB_GITREPOBASE",
	"DIB_GRUB_TIMEOUT", "DIB_GRUB_TIMEOUT_STYLE", "DIB_IMAGE_CACHE", "DIB_IMAGE_EXTRA_SIZE", "DIB_IMAGE_SIZE",
	"DIB_INIT_SYSTEM", "DIB_JOURNAL_SIZE", "DIB_LOCAL_IMAGE", "DIB_LOCKFILES", "DIB_MANIFEST_IMAGE_DIR", "DIB_MANIFEST_SAVE_DIR",
	"DIB_MIN_TMPFS", "DIB_MODPROBE_BLACKLIST", "DIB_NETWORK_INTERFACE_NAMES", "DIB_NO_TIMER_CHECK", "DIB_NO_TMPFS", "DIB_OFFLINE",
	"DIB_OPENSSH_SERVER_HARDENING", "DIB_PYTHON", "DIB_PYTHON_VERSION", "DIB_RELEASE", "DIB_ROOT_FSTYPE", "DIB_ROOT_LABEL",
	"DIB_SKIP_BASE_PACKAGE_INSTALL", "DIB_SKIP_GRUB_PACKAGE_INSTALL",
}

// recordedPrefixes begin the names of variables of which there is one for each
// element or repository.
var recordedPrefixes = []string{"DIB_INSTALLTYPE_", "DIB_REPOTYPE_", "DIB_REPOREF_", "DIB_REPOLOCATION_"}

func isRecorded(name string) bool {
	return slices.Contains(recorded, name) ||
		slices.ContainsFunc(recordedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// dibEnvironment is DIB_ENV: a shell declaration of every DIB_* variable, for
// manifests. Values that look like secrets are left out, and of the template's
// variables those that may be some.
func (e Environment) dibEnvironment(template Environment) string {
	var lines []string
	for name, value := range e {
		if !strings.HasPrefix(name, "DIB_") || name == "DIB_ENV" || name == "DIB_ARGS" {
			continue
		}
		_, ours := template[name]
		if ours && !isRecorded(name) || slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) }) {
			value = "(removed)"
		}
		lines = append(lines, "declare -x "+name+"="+quoteDeclared(value))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func quoteDeclared(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(value) + `"`
}
