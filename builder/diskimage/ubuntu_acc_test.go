// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ubuntuStub is an archive on loopback that looks like Ubuntu's noble and has
// Debian's packages, with some of the test's own instead of kernels. Packages come
// from the archive of this host.
type ubuntuStub struct {
	dir, url, keyring string
}

// serveUbuntu makes the archive: below /ubuntu, and the same below /mirror/ubuntu.
// Files of its directory images are below /images.
func serveUbuntu(t *testing.T, dir string) ubuntuStub {
	t.Helper()
	s := ubuntuStub{dir: dir, keyring: filepath.Join(dir, "stub-keyring.gpg")}
	for _, name := range []string{"images", "stub", "dists", "gnupg"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mirror := hostMirror(t)
	s.key(t)
	own := s.deb(t, "linux-image-generic", "6.8", "lib/modules/6.8-stub/build/Makefile", "") + s.deb(t, "linux-image-stub", "1.0", "", "")
	own += s.deb(t, "dkms", "3.0", "usr/sbin/dkms", "#!/bin/sh\necho \"$*\" >>/etc/dkms-calls\n[ \"$*\" != status ] || echo 'stub/1.0: added'\n")
	s.suite(t, "noble", withoutPackage(debianPackages(t, mirror), "dkms")+own)
	s.suite(t, "noble-updates", s.deb(t, "linux-image-stub", "2.0", "", ""))
	s.suite(t, "noble-security", "")
	s.suite(t, "noble-backports", "")
	judge(t, "gpgconf", "--homedir", s.dir+"/gnupg", "--kill", "all")

	mux := http.NewServeMux()
	for _, prefix := range []string{"/ubuntu", "/mirror/ubuntu"} {
		mux.Handle(prefix+"/pool/", http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, mirror+r.URL.Path, http.StatusFound)
		})))
		mux.Handle(prefix+"/", http.StripPrefix(prefix, http.FileServer(http.Dir(dir))))
	}
	mux.Handle("/images/", http.FileServer(http.Dir(dir)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// key makes the key that signs, and the keyring with its public half.
func (s ubuntuStub) key(t *testing.T) {
	t.Helper()
	gpg := []string{"--homedir", s.dir + "/gnupg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}
	judge(t, "gpg", append(gpg, "--quick-generate-key", "stub archive", "ed25519", "sign", "never")...)
	judge(t, "gpg", append(gpg, "--output", s.keyring, "--export")...)
}

// deb makes a package, with one file unless that is "", and returns its paragraph.
func (s ubuntuStub) deb(t *testing.T, name, version, file, content string) string {
	t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: nobody <nobody@localhost>\nDescription: stub\n", name, version)
	tree := filepath.Join(s.dir, "stub", name)
	files := map[string]string{"DEBIAN/control": control}
	if file != "" {
		files[file] = content
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(tree, path.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	deb := fmt.Sprintf("stub/%s_%s_amd64.deb", name, version)
	judge(t, "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, filepath.Join(s.dir, deb))
	packed, err := os.ReadFile(filepath.Join(s.dir, deb))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%sFilename: %s\nSize: %d\nSHA256: %x\n\n", control, deb, len(packed), sha256.Sum256(packed))
}

// suite writes the signed lists of a suite: all packages are in main.
func (s ubuntuStub) suite(t *testing.T, name, packages string) {
	t.Helper()
	dir := filepath.Join(s.dir, "dists", name)
	var release strings.Builder
	fmt.Fprintf(&release, "Origin: Ubuntu\nSuite: %s\nCodename: %s\nDate: %s\nArchitectures: amd64\nComponents: main universe\nSHA256:\n",
		name, strings.TrimSuffix(name, "-updates"), time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"))
	for component, text := range map[string]string{"main": packages, "universe": ""} {
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		file := component + "/binary-amd64/Packages.gz"
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&release, " %x %d %s\n", sha256.Sum256(packed.Bytes()), packed.Len(), file)
		fmt.Fprintf(&release, " %x %d %s\n", sha256.Sum256([]byte(text)), len(text), strings.TrimSuffix(file, ".gz"))
	}
	if err := os.WriteFile(dir+"/Release", []byte(release.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	judge(t, "gpg", "--homedir", s.dir+"/gnupg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
		"--output", dir+"/InRelease", "--clearsign", dir+"/Release")
}

// debianPackages is the list of Debian bookworm's packages.
func debianPackages(t *testing.T, mirror string) string {
	t.Helper()
	fetch := func() (string, error) {
		resp, err := http.Get(mirror + "/dists/bookworm/main/binary-amd64/Packages.xz")
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		xz := exec.Command("xz", "-dc")
		xz.Stdin = resp.Body
		text, err := xz.Output()
		if resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		return strings.TrimRight(string(text), "\n") + "\n\n", err
	}
	var text string
	var err error
	for range 4 { // as often as apt tries
		if text, err = fetch(); err == nil {
			return text
		}
		time.Sleep(5 * time.Second)
	}
	t.Fatalf("the host's archive: %v", err)
	return ""
}

// withoutPackage takes a package's paragraph out.
func withoutPackage(packages, name string) string {
	start := strings.Index(packages, "\nPackage: "+name+"\n") + 1
	end := strings.Index(packages[start:], "\n\n") + 2
	return packages[:start] + packages[start+end:]
}

// Element ubuntu-minimal from a stub archive, pinned to older versions by
// apt-preferences; then element ubuntu from the tree of that.
func TestAccUbuntuFromStubs(t *testing.T) {
	needPacker(t)
	t.Parallel()
	minimal := newWorkspace(t)
	stub := serveUbuntu(t, filepath.Join(minimal.dir, "archive"))
	manifest := minimal.file("dib-manifest-dpkg-earlier",
		`{"packages": [{"package": "linux-image-stub", "arch": "amd64", "version": "1.0", "status": "ii "}]}`)
	squashfs := stub.dir + "/images/noble-server-cloudimg-amd64.squashfs"
	more := minimal.element("cloudimg", "cleanup.d/98-cloudimg", fmt.Sprintf(
		`mksquashfs "$TARGET_ROOT" %q -noappend -no-progress -quiet -Xcompression-level 1 \
    -wildcards -e 'proc/*' 'sys/*' 'dev/*' 'tmp/*' 'etc/resolv.conf*' 'boot/*'`, squashfs))
	minimal.element("cloudimg", "extra-data.d/10-before",
		"echo \"before the pins: $(chroot \"$TMP_MOUNT_PATH\" dpkg-query -W -f '${Version}' linux-image-stub)\"\n")
	status, out := runPacker(t, minimal.dir, minimal.env("ELEMENTS_PATH="+more), "build", minimal.debianFamily(
		`"ubuntu-minimal", "apt-preferences", "cloudimg"`,
		fmt.Sprintf(`DIB_DISTRIBUTION_MIRROR = "%s/ubuntu", DIB_APT_KEYRING = %q, DIB_UBUNTU_KERNEL = "linux-image-stub", DIB_DPKG_MANIFEST = %q`,
			stub.url, stub.keyring, manifest), "", ""))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	minimal.assertClean()
	image := filesOf(t, minimal.output+"/family.raw", "/etc", "/var/lib/dpkg")
	wantContent(t, image+"/etc/apt/sources.list", sourcesOf(stub.url+"/ubuntu"))
	wantContent(t, image+"/etc/apt/preferences", "Package: linux-image-stub\nPin: version 1.0\nPin-Priority: 1001\n")
	wantLine(t, image+"/etc/sysctl.d/99-cloudimg-ipv6.conf", "net.ipv6.conf.all.use_tempaddr=0")
	wantVersion(t, image, "linux-image-stub", "1.0")
	for _, name := range []string{"busybox", "systemd-sysv", "initramfs-tools", "dbus", "gnupg"} {
		wantVersion(t, image, name, "")
	}
	if !strings.Contains(out, "before the pins: 2.0") {
		t.Error("the bootstrap did not read the updates: there was nothing to pin")
	}
	ubuntuFromSquashfs(t, stub, squashfs)
}

// ubuntuFromSquashfs builds element ubuntu from a cloud root and looks at its package sources.
func ubuntuFromSquashfs(t *testing.T, stub ubuntuStub, squashfs string) {
	t.Helper()
	w := newWorkspace(t)
	content, err := os.ReadFile(squashfs)
	if err != nil {
		t.Fatal(err)
	}
	sums := fmt.Sprintf("%x *%s\n", sha256.Sum256(content), filepath.Base(squashfs))
	if err := os.WriteFile(stub.dir+"/images/SHA256SUMS", []byte(sums), 0o644); err != nil {
		t.Fatal(err)
	}
	status, out := runPacker(t, w.dir, w.env(), "build", w.debianFamily(`"ubuntu"`,
		fmt.Sprintf(`DIB_CLOUD_IMAGES = "%s/images", DIB_DISTRIBUTION_MIRROR = "%s/mirror/ubuntu", DIB_LOCKFILES = %q`,
			stub.url, stub.url, w.dir+"/locks"),
		fmt.Sprintf("image_cache_directory = %q", w.dir+"/cache"), ""))
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	image := filesOf(t, w.output+"/family.raw", "/etc", "/var/lib/dpkg")
	wantContent(t, image+"/etc/apt/sources.list", sourcesOf(stub.url+"/mirror/ubuntu"))
	wantContent(t, image+"/etc/cloud/cloud.cfg.d/91-dib-cloud-init-datasources.cfg", "datasource_list: [ Ec2, None ]\n")
	wantContent(t, image+"/etc/dkms-calls", "status\ninstall stub/1.0 -k 6.8-stub\nstatus\n")
	wantVersion(t, image, "linux-image-generic", "6.8")
	wantVersion(t, image, "curl", "")
	if !strings.Contains(out, "unpacking "+w.dir+"/cache/noble-server-cloudimg-amd64.squashfs") {
		t.Error("the cloud root is not in the cache")
	}
}

func sourcesOf(url string) string {
	var text string
	for _, suite := range []string{"noble", "noble-updates", "noble-security", "noble-backports"} {
		text += "deb " + url + " " + suite + " main universe\n"
	}
	return text
}

// wantVersion wants a package installed, in that version unless it is empty.
func wantVersion(t *testing.T, image, name, version string) {
	t.Helper()
	status, err := os.ReadFile(image + "/var/lib/dpkg/status")
	found := regexp.MustCompile(`(?m)^Package: ` + regexp.QuoteMeta(name) + `\nStatus: install ok installed\n(?:.+\n)*?Version: (.*)$`).FindSubmatch(status)
	if err != nil || found == nil || version != "" && string(found[1]) != version {
		t.Errorf("package %s %s: found %q, %v", name, version, found, err)
	}
}
