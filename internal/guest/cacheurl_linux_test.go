// SPDX-License-Identifier: MPL-2.0

//go:build linux

package guest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// served is a web server with a file that can change.
type served struct {
	*httptest.Server
	content  atomic.Value // string
	changed  atomic.Value // time.Time
	requests atomic.Int32
	failures atomic.Int32 // answers with 503 that are left
	last     atomic.Value // http.Header
}

func serveFile(t *testing.T) *served {
	t.Helper()
	s := &served{}
	s.content.Store("one")
	s.changed.Store(time.Now().Add(-time.Hour))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		s.last.Store(r.Header)
		if s.failures.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		switch r.URL.Path {
		case "/file":
			http.ServeContent(w, r, "file", s.changed.Load().(time.Time), strings.NewReader(s.content.Load().(string)))
		case "/empty":
		case "/moved":
			http.Redirect(w, r, "/file", http.StatusFound)
		case "/secret":
			if user, password, _ := r.BasicAuth(); user != "me" || password != "pw" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			fmt.Fprint(w, "secret")
		case "/broken":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		case "/forbidden":
			w.WriteHeader(http.StatusForbidden)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// fetch runs cache-url as the command does, without its pauses.
func fetchTo(t *testing.T, url, dest string, force bool) (string, error) {
	t.Helper()
	tr := newTrial(t, nil, "cache-url")
	f := newFetcher()
	f.delay = 0
	err := tr.cache(t.Context(), f, url, dest, force)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dest), ".download.*")); len(left) > 0 {
		t.Errorf("%s: left %q behind", url, left)
	}
	return tr.out.String(), err
}

func TestCacheURL(t *testing.T) {
	s := serveFile(t)
	dest := filepath.Join(t.TempDir(), "a/b/file")
	steps := []struct {
		do            func()
		force         bool
		said, content string
	}{
		{nil, false, "for the first time", "one"},
		{func() { s.content.Store("unseen") }, false, "Server copy has not changed", "one"},
		{nil, true, "having forced upstream caches to revalidate", "unseen"},
		{func() { s.content.Store("two"); s.changed.Store(time.Now().Add(time.Hour)) }, false, "Server copy has changed", "two"},
		{func() { truncate(t, dest) }, false, "for the first time", "two"},
	}
	for i, step := range steps {
		if step.do != nil {
			step.do()
		}
		said, err := fetchTo(t, s.URL+"/file", dest, step.force)
		if err != nil || !strings.Contains(said, step.said) || read(t, dest) != step.content {
			t.Errorf("step %d: %q, %v, %q", i, said, err, read(t, dest))
		}
		header := s.last.Load().(http.Header)
		if got := strings.Contains(header.Get("Cache-Control"), "no-cache"); got != step.force || header.Get("Accept-Encoding") != "" {
			t.Errorf("step %d: headers %v", i, header)
		}
	}
	if info, err := os.Stat(dest); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func truncate(t *testing.T, file string) {
	t.Helper()
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
}

func TestCacheURLAnswers(t *testing.T) {
	s := serveFile(t)
	withPassword := strings.Replace(s.URL, "http://", "http://me:pw@", 1)
	cases := []struct {
		url, content, err string
		status            int
		requests          int32
	}{
		{s.URL + "/moved", "one", "", 0, 2},
		{withPassword + "/secret", "secret", "", 0, 1},
		{s.URL + "/none", "old", "[404]", 44, 1},
		{s.URL + "/forbidden", "old", "[403]", 1, 1},
		{s.URL + "/broken", "old", "unexpected EOF", 1, 4},
		{s.URL + "/empty", "old", "", 0, 1},
		{"ftp://host/x", "old", "only http, https and file", 1, 0},
		{"file:///no/such/file", "old", "no such file", 1, 0},
		{"file://etc/hosts", "old", "three slashes", 1, 0},
	}
	for _, tc := range cases {
		dest := filepath.Join(t.TempDir(), "file")
		files(t, filepath.Dir(dest), map[string]string{"file": "old"})
		if tc.err == "" && tc.content != "old" {
			if err := os.Remove(dest); err != nil {
				t.Fatal(err)
			}
		}
		before := s.requests.Load()
		said, err := fetchTo(t, tc.url, dest, false)
		if got := s.requests.Load() - before; got != tc.requests {
			t.Errorf("%s: %d requests, want %d", tc.url, got, tc.requests)
		}
		if strings.Contains(said, "pw") {
			t.Errorf("%s: the password was shown: %s", tc.url, said)
		}
		if read(t, dest) != tc.content {
			t.Errorf("%s: %q", tc.url, read(t, dest))
		}
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s: %v", tc.url, err)
		}
		var withStatus *statusError
		if got := errors.As(err, &withStatus) && withStatus.status == 44; got != (tc.status == 44) {
			t.Errorf("%s: %v", tc.url, err)
		}
	}
}

func TestCacheURLTriesAgain(t *testing.T) {
	s := serveFile(t)
	dest := filepath.Join(t.TempDir(), "file")
	s.failures.Store(3)
	if _, err := fetchTo(t, s.URL+"/file", dest, false); err != nil || read(t, dest) != "one" {
		t.Errorf("three failures are too many: %v", err)
	}
	s.failures.Store(4)
	if _, err := fetchTo(t, s.URL+"/file", dest, false); err == nil || !strings.Contains(err.Error(), "[503]") {
		t.Errorf("four failures are forgiven: %v", err)
	}
	if read(t, dest) != "one" {
		t.Error("a failure touched the copy")
	}
}

func TestCacheURLStopsWhenTold(t *testing.T) {
	s := serveFile(t)
	s.failures.Store(9)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tr := newTrial(t, nil, "cache-url")
	if err := tr.cache(ctx, newFetcher(), s.URL+"/file", filepath.Join(t.TempDir(), "f"), false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCacheURLOfFiles(t *testing.T) {
	dir := t.TempDir()
	files(t, dir, map[string]string{"src": "one"})
	src, dest := filepath.Join(dir, "src"), filepath.Join(dir, "dest")
	if said, err := fetchTo(t, "file://"+src, dest, false); err != nil || read(t, dest) != "one" {
		t.Errorf("%s %v", said, err)
	}
	past := time.Now().Add(-time.Hour)
	files(t, dir, map[string]string{"src": "two"})
	if err := os.Chtimes(src, past, past); err != nil {
		t.Fatal(err)
	}
	if said, err := fetchTo(t, "file://"+src, dest, false); err != nil || read(t, dest) != "one" || !strings.Contains(said, "not changed") {
		t.Errorf("%s %v", said, err)
	}
	if _, err := fetchTo(t, "file://localhost"+src, dest, true); err != nil || read(t, dest) != "two" {
		t.Error(err)
	}
}

func TestCacheURLIntoFIFO(t *testing.T) {
	s := serveFile(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	got := make(chan string)
	go func() {
		doc, _ := os.ReadFile(fifo)
		got <- string(doc)
	}()
	if _, err := fetchTo(t, s.URL+"/file", fifo, false); err != nil {
		t.Fatal(err)
	}
	if doc := <-got; doc != "one" {
		t.Errorf("%q", doc)
	}
	if info, err := os.Lstat(fifo); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Error("the FIFO is gone")
	}
}

// TestCacheURLProgram runs the command itself, with a proxy and without.
func TestCacheURLProgram(t *testing.T) {
	s := serveFile(t)
	tool := filepath.Join(linked(t, "cache-url"), "cache-url")
	dest := filepath.Join(t.TempDir(), "file")
	out, errs, status := runProgram(t, nil, tool, "-f", s.URL+"/file", dest)
	if status != 0 || out != "Downloaded and cached "+s.URL+"/file, having forced upstream caches to revalidate\n" {
		t.Errorf("%d %q %s", status, out, errs)
	}
	if _, _, status = runProgram(t, nil, tool, s.URL+"/none", dest); status != 44 {
		t.Errorf("status %d for a missing file", status)
	}
	// The proxy is the server itself; only it knows the name.
	if _, errs, status = runProgram(t, []string{"http_proxy=" + s.URL}, tool, "http://name.invalid/file", dest+"2"); status != 0 || read(t, dest+"2") != "one" {
		t.Errorf("through a proxy: %d %s", status, errs)
	}
	if out, _, status = runProgram(t, nil, tool, "-h"); status != 0 || !strings.Contains(out, "Usage") {
		t.Errorf("%d %q", status, out)
	}
	if _, _, status = runProgram(t, nil, tool, s.URL); status != 1 {
		t.Errorf("status %d without a destination", status)
	}
}
