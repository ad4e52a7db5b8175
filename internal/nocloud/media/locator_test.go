// SPDX-License-Identifier: MPL-2.0

package media

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

func TestText(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Locator{
		"ds=nocloud": {},
		"ds=nocloud;dsmode=net;s=http://10.0.2.2:8080/;h=web-1;i=iid-1":       {URL: "http://10.0.2.2:8080", InstanceID: "iid-1", Hostname: "web-1"},
		"ds=nocloud;dsmode=net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/;i=i-1": {URL: "http://{{ .HTTPIP }}:{{ .HTTPPort }}/", InstanceID: "i-1"},
		"ds=nocloud;dsmode=net;s=https://x/__dmi.system-uuid__/":              {URL: "https://x/__dmi.system-uuid__/", InstanceID: "i-1", Hostname: "a"},
		"ds=nocloud;dsmode=net;s=http://x/?file=":                             {URL: "http://x/?file="},
		"ds=nocloud;s=/srv/seed/":                                             {URL: "/srv/seed", InstanceID: "not one; word"},
		"ds=nocloud;s={{ build `PackerHTTPAddr` }}/;i=a@b:c/d+e=f-g.":         {URL: "{{ build `PackerHTTPAddr` }}", InstanceID: "a@b:c/d+e=f-g."},
	} {
		if err := s.Check(); err != nil || s.Text() != want {
			t.Errorf("%+v: got %q, %v, want %q", s, s.Text(), err, want)
		}
	}
	for url, want := range map[string]string{
		"10.0.2.2:8080":                       "begins with none of http://",
		"gopher://x/":                         "begins with none of",
		"http://x/a b":                        `" " in it would end or change it on a command line; write %20`,
		"http://x/a;b":                        "write %3B",
		"http://x/é":                          "write %C3%A9",
		"http://x/$HOME":                      "write %24",
		"http://x/'":                          "write %27",
		"http://me:it@x/":                     "name or password",
		"http://x/\n":                         "write %0A",
		"http://x/<enter>/":                   "write %3C",
		"http://" + strings.Repeat("x", 2048): "longer than the 2047 bytes",
	} {
		if err := (Locator{URL: url}).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", url, err, want)
		}
	}
	if err := (Locator{URL: "me:hunter2@x/"}).Check(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password in a URL: %v", err)
	}
}

// words are hard on quoting.
var words = []string{
	"ds=nocloud;s=http://10.0.2.2:8080/;h=web-1;i=iid-0123456789abcdef",
	"ds=nocloud;s=http://x/?a=b&c=d,e#f(g)*!~%20|{}",
	"a'b", `a"b`, `a\b`, "a$b`c", "a b", "",
}

// A shell makes of the quoted text one word, the text itself.
func TestShellQuoting(t *testing.T) {
	t.Parallel()
	sh := foreign.Bash(t, `answer() { eval "set -- $1"; printf '%s' "$# $1"; }`)
	// What grub-mkconfig does: it reads the file as a shell, and writes the value into
	// grub.cfg, which has a shell's quotes.
	grub := foreign.Bash(t, `answer() { GRUB_CMDLINE_LINUX=quiet; eval "$1"; eval "set -- $GRUB_CMDLINE_LINUX"; printf '%s' "$# $2"; }`)
	if sh == nil || grub == nil {
		t.Skip("no bash")
	}
	for _, word := range words {
		if got, _ := sh.AskText(t, shell.Quote(word)); got != "1 "+word {
			t.Errorf("the shell makes %q of %q", got, word)
		}
		if strings.Contains(word, "'") {
			continue // GRUB has no way to say it in single quotes; Check refuses it
		}
		if got, _ := grub.AskText(t, DefaultGrub(word)); got != "2 "+word {
			t.Errorf("GRUB's configuration makes %q of %q", got, word)
		}
	}
}

func TestLibvirtAndQEMU(t *testing.T) {
	t.Parallel()
	for _, word := range words {
		var sysinfo struct {
			Entry string `xml:"system>entry"`
		}
		if err := xml.Unmarshal([]byte(LibvirtSysinfo(word)), &sysinfo); err != nil || sysinfo.Entry != word {
			t.Errorf("got %q, %v of %q", sysinfo.Entry, err, word)
		}
		var cmdline string
		if err := xml.Unmarshal([]byte(LibvirtCmdline(word)), &cmdline); err != nil || cmdline != word {
			t.Errorf("got %q, %v of %q", cmdline, err, word)
		}
	}
	if got := QEMUSMBIOS("ds=nocloud;s=http://x/a,b"); got != "type=1,serial=ds=nocloud;s=http://x/a,,b" {
		t.Errorf("got %q", got)
	}
}

// rendered is a seed with what a person would give.
func rendered(t *testing.T, s nocloud.Seed) nocloud.Rendered {
	t.Helper()
	r, err := s.Render()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The real datasource finds the seed by what we give kernel and firmware, reads
// it from a server that has our directory, and asks for nothing that is not there.
func TestCloudInitReadsTheDirectory(t *testing.T) {
	t.Parallel()
	seed := rendered(t, nocloud.Seed{UserData: nocloud.Document{Text: []byte("#cloud-config\nruncmd: [date]\n")}, Hostname: "web-1"})
	dir := filepath.Join(t.TempDir(), "seed")
	if err := WriteDirectory(t.Context(), dir, append(HTTPFiles(seed.Files), Readme(seed, Locator{}))); err != nil {
		t.Fatal(err)
	}
	var lock sync.Mutex
	var missing []string
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(r.URL.Path))); err != nil {
			lock.Lock()
			defer lock.Unlock()
			missing = append(missing, r.URL.Path)
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	text := Locator{URL: server.URL, InstanceID: seed.InstanceID, Hostname: "web-1"}.Text()
	want := foreign.Found{Found: true, UserData: "#cloud-config\nruncmd: [date]\n", VendorData: "#cloud-config\n{}\n", InstanceID: seed.InstanceID, Hostname: "web-1"}
	for _, release := range []string{"bookworm", "trixie"} {
		judge := foreign.NewNoCloud(t, release)
		if judge == nil {
			continue
		}
		for by, m := range map[string]foreign.Machine{
			"cmdline": {Kernel: "root=LABEL=x ro " + text + " quiet", Network: true},
			"dmi":     {Serial: text, Network: true},
		} {
			want.Seed = by + "," + server.URL + "/"
			if d := cmp.Diff(want, judge.Look(t, m)); d != "" {
				t.Errorf("%s, %s: %s", release, by, d)
			}
			m.Network = false
			if judge.Look(t, m).Found {
				t.Errorf("%s, %s: found without a network", release, by)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("asked for and not there: %v", missing)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "seed")
	write := func(files []nocloud.File) os.FileInfo {
		t.Helper()
		if err := WriteDirectory(t.Context(), path, files); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(contents(files), readAll(t, path)); d != "" {
			t.Error(d)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		return info
	}
	first := write(seeds["all"])
	if again := write(seeds["all"]); !os.SameFile(first, again) {
		t.Error("an equal directory was replaced")
	}
	write(seeds["smallest"])
	if err := os.Chmod(filepath.Join(path, "user-data"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(seeds["smallest"])
	if info, err := os.Stat(filepath.Join(path, "user-data")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

// The text for people names what to say where, ready to be copied.
func TestReadme(t *testing.T) {
	t.Parallel()
	seed := rendered(t, nocloud.Seed{InstanceID: "i-1", UserData: nocloud.Document{Text: []byte("#cloud-config\npassword: secret\n")}})
	text := string(Readme(seed, Locator{URL: "http://192.0.2.1/", InstanceID: "i-1"}).Content)
	for _, want := range []string{
		"of the instance i-1.", "kernel:             ds=nocloud;dsmode=net;s=http://192.0.2.1/;i=i-1\n",
		"'ds=nocloud;dsmode=net;s=http://192.0.2.1/;i=i-1'\n", `GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX 'ds=nocloud;dsmode=net;s=http://192.0.2.1/;i=i-1'"`,
		"-smbios 'type=1,serial=ds=nocloud;dsmode=net;s=http://192.0.2.1/;i=i-1'",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("it tells the seed's content")
	}
}

// FuzzQuoting: whatever the text, its quoted form is one word, and what Check lets
// pass holds nothing that would need more than that. (A shell says the same of
// words in TestShellQuoting.)
func FuzzQuoting(f *testing.F) {
	for _, word := range words {
		f.Add(word)
	}
	f.Add("http://x/{{ .HTTPIP }}")
	f.Add("{{ `'` }}/;")
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.ContainsRune(text, 0) { // which stands for a quote here, and in no argument
			quoted := strings.ReplaceAll(shell.Quote(text), `'\''`, "\x00")
			inner := quoted[1 : len(quoted)-1]
			if quoted != "'"+inner+"'" || strings.Contains(inner, "'") || strings.ReplaceAll(inner, "\x00", "'") != text {
				t.Errorf("%q became %q", text, quoted)
			}
		}
		s := Locator{URL: text, Hostname: text, InstanceID: text}
		if s.Check() != nil {
			return
		}
		fixed := template.ReplaceAllString(s.Text(), "")
		if strings.ContainsAny(fixed, " \t\n'\"\\`$") || strings.Count(fixed, ";") > 4 {
			t.Errorf("%q became %q", text, fixed)
		}
	})
}
