// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
)

// attributes are those of a block.
type attributes map[string]any

// execute runs a data source with a block of its own; what it makes goes into dir.
func execute(t *testing.T, dir string, block attributes) (cty.Value, error) {
	t.Helper()
	var d Datasource
	all := map[string]any{"output_directory": dir}
	for name, value := range block {
		all[name] = value
	}
	if err := d.Configure(all); err != nil {
		return cty.NilVal, err
	}
	value, err := d.Execute()
	if want := hcldec.ImpliedType(d.OutputSpec()); !value.Type().Equals(want) {
		t.Errorf("a value of the type %#v, want %#v", value.Type(), want)
	}
	return value, err
}

func mustExecute(t *testing.T, dir string, block attributes) cty.Value {
	t.Helper()
	value, err := execute(t, dir, block)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// text is an output that is a string.
func text(v cty.Value, name string) string { return v.GetAttr(name).AsString() }

// list is an output that is a list of strings.
func list(v cty.Value, name string) []string {
	var all []string
	for _, item := range v.GetAttr(name).AsValueSlice() {
		all = append(all, item.AsString())
	}
	return all
}

// dictionary is an output that is a map of strings.
func dictionary(v cty.Value, name string) map[string]string {
	all := map[string]string{}
	for key, item := range v.GetAttr(name).AsValueMap() {
		all[key] = item.AsString()
	}
	return all
}

const userData = "#cloud-config\nruncmd: [date]\n"

func TestMedia(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	seed := attributes{"user_data": userData, "hostname": "web-1", "media": []string{"iso", "vfat", "directory"}}
	v := mustExecute(t, dir, seed)
	for output, pattern := range map[string]string{
		"iso": `/made/here/seed-[0-9a-f]{16}\.iso$`, "vfat": `/seed-[0-9a-f]{16}\.img$`, "directory": `/seed-[0-9a-f]{16}$`,
	} {
		path := filepath.ToSlash(text(v, output))
		info, err := os.Stat(path)
		if err != nil || !regexp.MustCompile(pattern).MatchString(path) {
			t.Errorf("%s: %q, %v", output, path, err)
		} else if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", output, info.Mode())
		}
	}
	if files := list(v, "directory_files"); len(files) != 2 || filepath.Base(files[0]) != "user-data" || filepath.Dir(files[1]) != text(v, "directory") {
		t.Errorf("directory_files: %v", files)
	}
	names, err := filepath.Glob(filepath.Join(text(v, "directory"), "*"))
	if err != nil || len(names) != 5 {
		t.Errorf("in the directory: %v %v", names, err)
	}
	again := mustExecute(t, dir, seed)
	if d := cmp.Diff(v.GoString(), again.GoString()); d != "" {
		t.Error(d)
	}
	seed["hostname"] = "web-2"
	if other := mustExecute(t, dir, seed); text(other, "iso") == text(v, "iso") || text(other, "instance_id") == text(v, "instance_id") {
		t.Error("another seed has the same names")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 6 {
		t.Errorf("in the output directory: %v %v", entries, err)
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "never-made")
	v := mustExecute(t, dir, attributes{"user_data": userData, "hostname": "web-1", "instance_id": "i-1", "seed_url": "http://{{ .HTTPIP }}:{{ .HTTPPort }}", "media": []string{}})
	const word = "ds=nocloud;dsmode=net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/;h=web-1;i=i-1"
	for output, want := range map[string]string{
		"iso": "", "vfat": "", "directory": "", "label": "cidata", "instance_id": "i-1",
		"kernel_argument": word, "kernel_argument_quoted": "'" + word + "'", "smbios": word, "qemu_smbios": "type=1,serial=" + word,
		"grub_default":    `GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX '` + word + `'"`,
		"libvirt_sysinfo": `<sysinfo type="smbios"><system><entry name="serial">` + word + `</entry></system></sysinfo>`,
		"libvirt_cmdline": "<cmdline>" + word + "</cmdline>",
	} {
		if got := text(v, output); got != want {
			t.Errorf("%s: %q, want %q", output, got, want)
		}
	}
	if got := dictionary(v, "files"); got["user-data"] != userData || len(got) != 2 {
		t.Errorf("files: %q", got)
	}
	got := dictionary(v, "http_files")
	var names []string
	for name := range got {
		names = append(names, name)
	}
	slices.Sort(names)
	if d := cmp.Diff([]string{"/meta-data", "/network-config", "/user-data", "/vendor-data"}, names); d != "" || got["/user-data"] != userData {
		t.Error(d, got)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a directory was made for nothing")
	}
	const most = 255
	empty := len("ds=nocloud;dsmode=net;s=http:///;i=i-1")
	full := mustExecute(t, dir, attributes{"instance_id": "i-1", "seed_url": "http://" + strings.Repeat("x", most-empty), "media": []string{}})
	if got := text(full, "smbios"); len(got) != most {
		t.Errorf("what fits just so has %d bytes", len(got))
	}
	over := mustExecute(t, dir, attributes{"instance_id": "i-1", "seed_url": "http://" + strings.Repeat("x", most-empty+1), "media": []string{}})
	if got := text(over, "smbios"); got != "" || len(text(over, "kernel_argument")) != most+1 {
		t.Errorf("what has a byte too many is given: %d bytes", len(got))
	}
	long := mustExecute(t, dir, attributes{"seed_url": "http://" + strings.Repeat("x", 300), "media": []string{}})
	if text(long, "smbios")+text(long, "qemu_smbios")+text(long, "libvirt_sysinfo") != "" || text(long, "kernel_argument") == "" {
		t.Error("what does not fit into SMBIOS was given")
	}
	if w := list(long, "warnings"); len(w) != 1 || !strings.Contains(w[0], "smbios is empty") {
		t.Errorf("warnings: %q", w)
	}
}

// Compressed user-data is a text where texts are asked for, and stays compressed in files.
func TestCompressed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(userData)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "user-data.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	v := mustExecute(t, dir, attributes{"user_data_file": path, "media": []string{"directory"}})
	if got := dictionary(v, "files")["user-data"]; got != userData {
		t.Errorf("got %q", got)
	}
	if got, err := os.ReadFile(filepath.Join(text(v, "directory"), "user-data")); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%q, %v", got, err)
	}
}

// What is wrong is found when the block is read, all of it, and no content is told.
func TestMistakes(t *testing.T) {
	t.Parallel()
	_, err := execute(t, t.TempDir(), attributes{
		"user_data": "#cloud-confg\npassword: secret\n", "user_data_file": "/does/not/exist", "media": []string{"iso", "isoo", "iso"},
		"seed_url": "10.0.2.2/", "instance_id": "nocloud",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"user_data and user_data_file are both set", "did you mean #cloud-config?", `media: "isoo" is none of iso, vfat, directory (did you mean "iso"?)`,
		`media: "iso" is there twice`, `seed_url: "10.0.2.2/" begins with none of http://`, "instance_id: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%s", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the content is told: %s", err)
	}
}

// While a template is validated, values of other data sources are not known.
func TestUnknown(t *testing.T) {
	t.Parallel()
	block := map[string]any{"user_data": "<unknown>", "seed_url": "<unknown>", "hostname": "<unknown>", "media": []string{"<unknown>"}}
	var d Datasource
	if err := d.Configure(block); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Execute(); err == nil || !strings.Contains(err.Error(), "user_data, seed_url, media") && !strings.Contains(err.Error(), "seed_url, media") {
		t.Errorf("got %v", err)
	}
}

func TestEpoch(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := execute(t, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("got %v", err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	v := mustExecute(t, t.TempDir(), nil)
	if b, err := os.ReadFile(text(v, "iso")); err != nil || !bytes.Contains(b, []byte("2023111422132000")) {
		t.Errorf("the time is not in the volume: %v", err)
	}
}

// Without output_directory it goes into Packer's cache.
func TestCache(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("PACKER_CACHE_DIR", cache)
	v := mustExecute(t, "", nil)
	if dir := filepath.Dir(text(v, "iso")); dir != filepath.Join(cache, "nocloud") {
		t.Errorf("it is in %s", dir)
	}
}
