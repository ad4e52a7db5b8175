// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// webProxy is a proxy that wants a password and notes what it is asked for.
type webProxy struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

const proxyPassword = "pr0xypassw0rd"

func newWebProxy(t *testing.T) *webProxy {
	t.Helper()
	p := &webProxy{}
	direct := &http.Transport{Proxy: nil}
	t.Cleanup(direct.CloseIdleConnections)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if _, password, _ := login.BasicAuth(); password != proxyPassword {
			w.Header().Set("Proxy-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.URL.Path)
		p.mu.Unlock()
		if r.Method == http.MethodConnect {
			tunnel(w, r.Host)
			return
		}
		out := r.Clone(r.Context())
		out.RequestURI = ""
		out.Header.Del("Proxy-Authorization")
		answer, err := direct.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body) // who asked sees what is missing
	}))
	t.Cleanup(p.Close)
	return p
}

// tunnel serves mirrors over https.
func tunnel(w http.ResponseWriter, host string) {
	far, err := net.Dial("tcp", host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer far.Close()
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(far, near); far.Close() }()
	_, _ = io.Copy(near, far)
}

func (p *webProxy) url() string {
	return strings.Replace(p.URL, "http://", "http://me:"+proxyPassword+"@", 1)
}

// packages counts the packages that were fetched through the proxy.
func (p *webProxy) packages() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, path := range p.asked {
		if strings.HasSuffix(path, ".deb") || strings.HasPrefix(path, http.MethodConnect) {
			n++
		}
	}
	return n
}

// TestAccOffline builds a Debian through a proxy, and then the same again from the
// caches alone: in a network namespace in which there is not even a loopback device.
// A kernel takes long and proves nothing here.
func TestAccOffline(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w, proxy := newWorkspace(t), newWebProxy(t)
	cache := filepath.Join(w.dir, "cache")
	template := w.template(`
elements = ["debian-minimal"]
formats  = ["raw"]
packages = ["netcat-openbsd"]
tmpfs    = "never"
image_cache_directory = "`+cache+`"
environment = {
  DIB_DEBIAN_KERNEL        = "sl"
  DIB_DEBOOTSTRAP_CACHE    = "1"
  DIB_DEBOOTSTRAP_NETWORK  = "none"
}`, "")
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	proxied := w.env("http_proxy="+proxy.url(), "https_proxy="+proxy.url(), "no_proxy=localhost")
	if status, out := runPacker(t, w.dir, proxied, "build", template); status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	first := installedPackages(t, w)
	if n := proxy.packages(); n == 0 {
		t.Errorf("nothing went through the proxy: %q", proxy.asked)
	}
	checkNoProxyLeft(t, filepath.Join(w.output, "tiny.raw"), proxy)
	tarballs, _ := filepath.Glob(cache + "/debootstrap-debian-*.tar.gz")
	packages, _ := filepath.Glob(cache + "/apt/debian/netcat-openbsd_*.deb")
	if len(tarballs) != 1 || len(packages) != 1 {
		t.Fatalf("the cache holds %q and %q", tarballs, packages)
	}

	// The same template, to be sure, with one word more.
	offline := bytes.Replace(text, []byte("image_name "), []byte("offline = true\n  image_name "), 1)
	if err := os.WriteFile(template, offline, 0o644); err != nil {
		t.Fatal(err)
	}
	proxy.Close()
	build := packerCommand(w.dir, w.env(), "build", "-force", template)
	build.Args = append([]string{"unshare", "--net"}, build.Args...)
	if build.Path, err = exec.LookPath("unshare"); err != nil {
		t.Fatal(err)
	}
	run := startCommand(t, build)
	if status := run.wait(); status != 0 {
		t.Fatalf("offline: status %d:\n%s", status, run.output())
	}
	for _, want := range []string{"unpacking " + tarballs[0], "DIB_OFFLINE is set: package lists stay as they are"} {
		if !strings.Contains(run.output(), want) {
			t.Errorf("no %q in\n%s", want, run.output())
		}
	}
	if second := installedPackages(t, w); second != first {
		t.Errorf("other packages offline:\n%s\nthan before:\n%s", second, first)
	}

	// A broken tarball is told before anything is unpacked.
	if err := os.Truncate(tarballs[0], 1<<20); err != nil {
		t.Fatal(err)
	}
	status, out := runPacker(t, w.dir, w.env(), "build", "-force", template)
	if want := tarballs[0] + " is broken, and DIB_OFFLINE is set: remove it"; status == 0 || !strings.Contains(out, want) {
		t.Errorf("status %d, no %q in\n%s", status, want, out)
	}
	w.assertClean()
}

// installedPackages is dpkg's list in the image, without the order in which it came
// to be.
func installedPackages(t *testing.T, w workspace) string {
	t.Helper()
	list := judge(t, "debugfs", "-R", "cat /var/lib/dpkg/status", filepath.Join(w.output, "tiny.raw"))
	var names []string
	for paragraph := range strings.SplitSeq(list, "\n\n") {
		var name, version string
		for line := range strings.Lines(paragraph) {
			if v, ok := strings.CutPrefix(line, "Package: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(line, "Version: "); ok {
				version = v
			}
		}
		names = append(names, strings.TrimSpace(name)+" "+strings.TrimSpace(version))
	}
	if len(names) < 50 || !strings.Contains(list, "Package: netcat-openbsd\n") {
		t.Errorf("%d packages, or not all: %q", len(names), names)
	}
	return strings.Join(names, "\n")
}

// checkNoProxyLeft looks for the proxy's password and port in the image, every byte.
func checkNoProxyLeft(t *testing.T, file string, proxy *webProxy) {
	t.Helper()
	for _, text := range []string{proxyPassword, strings.TrimPrefix(proxy.URL, "http://")} {
		if out, err := exec.Command("grep", "-c", "-a", "-F", "-e", text, file).Output(); err == nil {
			t.Errorf("%q is in the image: %s", text, out)
		}
	}
}
