// SPDX-License-Identifier: MPL-2.0

package variable

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// installed is where Debian's python3-diskimage-builder (3.13) has its elements.
const installed = "/usr/lib/python3/dist-packages/diskimage_builder/elements"

// ubiquitous are the names that testdata/upstream.txt leaves out.
var ubiquitous = []string{
	"DEBUG_TRACE", "DISTRIBUTION_MIRROR", "IMAGE_CACHE", "INIT_SYSTEM", "MANIFEST_IMAGE_DIR", "OFFLINE", "RELEASE",
}

// laterElements are those of the list that 3.13 does not have yet.
var laterElements = []string{
	"almalinux-container", "autoupdates", "block-device-efi-4k", "cloud-init-growpart", "elrepo", "fail2ban",
	"replace-partition", "replace-partition-redhat", "rocky-container", "selinux-fixfiles-restore",
}

// laterNames came to these elements after 3.13; that they are in no file there,
// documentation included, is tested.
var laterNames = map[string]string{
	"base": "SKIP_BASE_PACKAGE_INSTALL",
	"bootloader": "BOOTLOADER_USE_SERIAL_CONSOLE BOOTLOADER_VIRTUAL_TERMINAL BOOT_LABEL GRUB_TIMEOUT_STYLE NO_TIMER_CHECK " +
		"SKIP_GRUB_PACKAGE_INSTALL",
	"containerfile": "CONTAINERFILE_BUILDOPTS CONTAINERFILE_DOCKERFILE CONTAINERFILE_NETWORK_DRIVER CONTAINERFILE_PODMAN_ROOT " +
		"CONTAINERFILE_RUNTIME CONTAINERFILE_RUNTIME_NETWORK CONTAINERFILE_RUNTIME_ROOT",
	"debian":              "DEBIAN_CLOUD_INIT_HELPER",
	"devuser":             "DEV_USER_GROUPS",
	"dhcp-all-interfaces": "DHCP_NETWORK_MANAGER_AUTO",
	"iso":                 "BOOT_LABEL",
	"keylime-agent":       "KEYLIME_AGENT_PORT",
	"simple-init":         "SIMPLE_INIT_NO_DHCP_FALLBACK",
	"sysprep":             "LOCAL_IMAGE",
	"ubuntu":              "DISTRIBUTION_MIRROR_VERIFY_HTTPS LOCAL_IMAGE",
	"yum":                 "YUM_REPO_PACKAGE",
	"yum-minimal":         "YUM_MINIMAL_BOOTSTRAP_PACKAGES",
}

// formerNames are in 3.13 and no longer in 3.42.
var formerNames = map[string]string{
	"containerfile": "CONTAINER_FILE",     // became CONTAINERFILE_DOCKERFILE
	"iso":           "IMAGE_ROOT_FS_UUID", // root is found by BOOT_LABEL since
	"redhat-common": "LOCAL_IMAGE",        // its extract-image went to sysprep
}

// The scan finds in the code of Debian's version what the list, made from that
// of 3.42 by other means, has; but for what changed between the two.
func TestScanAgainstTheListOfUpstream(t *testing.T) {
	if _, err := os.Stat(installed); err != nil {
		t.Skip("needs Debian's python3-diskimage-builder")
	}
	text, err := os.ReadFile("testdata/upstream.txt")
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	compared := 0
	for line := range strings.Lines(string(text)) {
		name, list, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		dir := filepath.Join(installed, name)
		if _, err := os.Stat(dir); err != nil {
			missing = append(missing, name)
			continue
		}
		compared++
		compare(t, name, dir, strings.Fields(list))
	}
	if !slices.Equal(missing, laterElements) {
		t.Errorf("elements that are not there: %q", missing)
	}
	if compared != 69 {
		t.Errorf("compared %d elements", compared)
	}
}

func compare(t *testing.T, name, dir string, list []string) {
	t.Helper()
	found := upperNames(t, dir)
	for _, later := range strings.Fields(laterNames[name]) {
		if contains(t, dir, "DIB_"+later) {
			t.Errorf("%s: DIB_%s is in 3.13 after all", name, later)
		}
		list = slices.DeleteFunc(list, func(n string) bool { return n == later })
	}
	want := append(list, strings.Fields(formerNames[name])...)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(found)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-list +scan):\n%s", name, diff)
	}
}

// contains looks for a whole word in all files.
func contains(t *testing.T, dir, word string) bool {
	t.Helper()
	whole, found := regexp.MustCompile(`\b`+word+`\b`), false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found = found || whole.Match(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// upperNames are the names as the list has them: cut at the first small letter.
func upperNames(t *testing.T, dir string) map[string]bool {
	t.Helper()
	uses, err := Scan(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, use := range uses {
		name := regexp.MustCompile(`^[A-Z0-9_]*`).FindString(strings.TrimPrefix(use.Name, "DIB_"))
		if !slices.Contains(ubiquitous, name) {
			found[name] = true
		}
	}
	return found
}
