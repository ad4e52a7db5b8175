// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// raw is a block as Packer hands it over.
func raw(t *testing.T, more map[string]interface{}) map[string]interface{} {
	t.Helper()
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	block := map[string]interface{}{
		"elements":          []string{"tiny-os"},
		"element_paths":     []string{elements},
		"skip_base":         true,
		"packer_build_name": "test",
		"output_directory":  filepath.Join(t.TempDir(), "out"),
	}
	for name, value := range more {
		if value == nil {
			delete(block, name)
		} else {
			block[name] = value
		}
	}
	return block
}

func TestDefaults(t *testing.T) {
	for _, name := range []string{"DIB_IMAGE_SIZE", "DIB_IMAGE_EXTRA_SIZE", "FS_TYPE", "ELEMENTS_PATH", "TMPDIR", "TMP_DIR", "DIB_IMAGE_CACHE", "ROOT_LABEL"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", "/home/someone")
	var b Builder
	variables, _, err := b.Prepare(raw(t, map[string]interface{}{"output_directory": nil}))
	if err != nil {
		t.Fatal(err)
	}
	c := b.config
	got := []string{c.OutputDirectory, c.ImageName, strings.Join(c.Formats, ","), c.RootFS, c.Tmpfs, c.WorkDirectory, c.ImageCacheDirectory, string(b.request.Compression)}
	want := "output-test test qcow2  auto /var/tmp /home/someone/.cache/image-create zlib"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if strings.Join(variables, " ") != "MountPath ImagePath OutputDirectory ImageSHA256 SourceImageURL Elements Distribution Release Architecture OSType OSArch" {
		t.Errorf("generated variables: %v", variables)
	}
}

func TestVariablesOfDiskimageBuilderServeAsDefaults(t *testing.T) {
	t.Setenv("DIB_IMAGE_SIZE", "5")
	t.Setenv("DIB_IMAGE_EXTRA_SIZE", "100")
	t.Setenv("FS_TYPE", "xfs")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP_DIR", "/tmp/b")
	var b Builder
	if _, _, err := b.Prepare(raw(t, map[string]interface{}{"image_extra_size": "3"})); err != nil {
		t.Fatal(err)
	}
	if b.request.DiskSize != 5<<30 || b.request.ExtraSize != 3<<20 || b.config.RootFS != "xfs" || b.config.WorkDirectory != tmp {
		t.Errorf("%d %d %s %s", b.request.DiskSize, b.request.ExtraSize, b.config.RootFS, b.config.WorkDirectory)
	}
}

func TestMistakesInTemplates(t *testing.T) {
	cases := []struct {
		name      string
		change    map[string]interface{}
		attribute string
		text      string
	}{
		{"no elements", map[string]interface{}{"elements": nil}, "elements", "at least one"},
		{"unknown element", map[string]interface{}{"elements": []string{"debian-minmal"}}, "elements", "debian-minimal"},
		{"element of another family", map[string]interface{}{"elements": []string{"rocky-container"}}, "elements", "rocky-container"},
		{"no operating system", map[string]interface{}{"elements": []string{"probe"}}, "elements", "operating"},
		{"element path", map[string]interface{}{"element_paths": []string{"/does/not/exist"}}, "element_paths", "/does/not/exist"},
		{"unknown format", map[string]interface{}{"formats": []string{"qcow"}}, "formats", "qcow2"},
		{"later format", map[string]interface{}{"formats": []string{"squashfs"}}, "formats", "squashfs"},
		{"format twice", map[string]interface{}{"formats": []string{"raw", "raw"}}, "formats", "twice"},
		{"compression", map[string]interface{}{"qcow2_compression": "zst"}, "qcow2_compression", "zstd"},
		{"size without number", map[string]interface{}{"disk_size": "big"}, "disk_size", "big"},
		{"size with bad unit", map[string]interface{}{"disk_size": "10X"}, "disk_size", "unit"},
		{"negative size", map[string]interface{}{"disk_size": "-1G"}, "disk_size", "-1G"},
		{"zero size", map[string]interface{}{"disk_size": "0"}, "disk_size", "more than zero"},
		{"disk too small", map[string]interface{}{"disk_size": "1M"}, "disk_size", "at least 8 MiB"},
		{"extra size", map[string]interface{}{"image_extra_size": "lots"}, "image_extra_size", "lots"},
		{"journal size", map[string]interface{}{"mkfs_journal_size": "1Q"}, "mkfs_journal_size", "unit"},
		{"qcow2 option", map[string]interface{}{"qemu_img_options": map[string]string{"cluster-size": "2M"}}, "qemu_img_options", "cluster_size"},
		{"qcow2 option of the environment", map[string]interface{}{"environment": map[string]string{"QEMU_IMG_OPTIONS": "compat"}}, "QEMU_IMG_OPTIONS", "NAME=VALUE"},
		{"resize", map[string]interface{}{"max_online_resize": -1}, "max_online_resize", "blocks"},
		{"resize of the environment", map[string]interface{}{"environment": map[string]string{"MAX_ONLINE_RESIZE": "much"}}, "MAX_ONLINE_RESIZE", "much"},
		{"install type", map[string]interface{}{"install_type": "by package"}, "install_type", "not a word"},
		{"root file system", map[string]interface{}{"root_fs": "ext5"}, "root_fs", "ext4"},
		{"tmpfs", map[string]interface{}{"tmpfs": "yes"}, "tmpfs", "always"},
		{"image name", map[string]interface{}{"image_name": "a/b"}, "image_name", "output_directory"},
		{"package name", map[string]interface{}{"packages": []string{"vim; reboot"}}, "packages", "vim; reboot"},
		{"empty package", map[string]interface{}{"packages": []string{""}}, "packages", "not the name"},
		{"variable name", map[string]interface{}{"environment": map[string]string{"1A": "x"}}, "environment", "1A"},
		{"root label", map[string]interface{}{"root_label": "much-too-long-a-label"}, "root_label", "too long"},
		{"break", map[string]interface{}{"environment": map[string]string{"break": "befor-install"}}, "environment (break)", "before-install"},
		{"epoch", map[string]interface{}{"environment": map[string]string{"SOURCE_DATE_EPOCH": "yesterday"}}, "SOURCE_DATE_EPOCH", "yesterday"},
		{"layout", map[string]interface{}{"environment": map[string]string{"DIB_BLOCK_DEVICE_CONFIG": "- lvm: {}"}}, "DIB_BLOCK_DEVICE_CONFIG", "lvm"},
		{"unknown attribute", map[string]interface{}{"elemnts": []string{"x"}}, "elemnts", "elemnts"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var b Builder
			_, _, err := b.Prepare(raw(t, tc.change))
			if err == nil || !strings.Contains(err.Error(), tc.attribute) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %q and %q", err, tc.attribute, tc.text)
			}
		})
	}
}

func TestAttributesWithoutEffectAreTold(t *testing.T) {
	for _, tc := range []struct {
		change map[string]interface{}
		text   string
	}{
		{map[string]interface{}{"formats": []string{"raw"}, "qemu_img_options": map[string]string{"compat": "1.1"}}, "qemu_img_options has no effect"},
		{map[string]interface{}{"root_fs": "xfs", "max_online_resize": 1 << 30}, "max_online_resize has no effect"},
		{map[string]interface{}{"install_type": "pakage"}, `did you mean "package"`},
	} {
		var b Builder
		_, warnings, err := b.Prepare(raw(t, tc.change))
		if err != nil || !strings.Contains(strings.Join(warnings, "\n"), tc.text) {
			t.Errorf("%v: %v %q", tc.change, err, warnings)
		}
	}
}

func TestAttributesOfDiskimageBuilderReachThePlan(t *testing.T) {
	var b Builder
	_, _, err := b.Prepare(raw(t, map[string]interface{}{
		"max_online_resize": 274877906944, "qemu_img_options": map[string]string{"compat": "0.10"},
		"environment": map[string]string{"DIB_NO_TMPFS": "1", "DIB_DEFAULT_INSTALLTYPE": "package", "QEMU_IMG_OPTIONS": "compat=1.1"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if r := b.request; r.MaxOnlineResize != 274877906944 || r.QCOW2Options["compat"] != "0.10" || r.Memory != plan.MemoryNever || b.config.InstallType != "package" {
		t.Errorf("%d %v %s %s", r.MaxOnlineResize, r.QCOW2Options, r.Memory, b.config.InstallType)
	}
	b = Builder{}
	if _, _, err := b.Prepare(raw(t, map[string]interface{}{"environment": map[string]string{"MAX_ONLINE_RESIZE": "4096", "QEMU_IMG_OPTIONS": "cluster_size=2M"}})); err != nil {
		t.Fatal(err)
	}
	if r := b.request; r.MaxOnlineResize != 4096 || r.QCOW2Options["cluster_size"] != "2M" || b.config.InstallType != "source" {
		t.Errorf("%d %v %s", r.MaxOnlineResize, r.QCOW2Options, b.config.InstallType)
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	var b Builder
	_, _, err := b.Prepare(raw(t, map[string]interface{}{
		"disk_size": "big", "formats": []string{"nope"}, "root_fs": "fat", "tmpfs": "maybe",
		"root_label": "much-too-long-a-label", "mkfs_journal_size": "10K",
	}))
	var list *packersdk.MultiError
	if !errors.As(err, &list) || len(list.Errors) != 6 {
		t.Fatalf("want six errors, got %v", err)
	}
	var first *plan.AttributeError
	if !errors.As(list.Errors[0], &first) {
		t.Errorf("%T is not an AttributeError", list.Errors[0])
	}
}

// Types are wrong in JSON templates only; what has the wrong one may be a password.
func TestWrongTypesInASeedAreToldWithoutTheirValues(t *testing.T) {
	var b Builder
	_, _, err := b.Prepare(raw(t, map[string]interface{}{"nocloud": map[string]interface{}{"media": []string{"iso"}, "password": []string{"hush"}}}))
	if err == nil || !strings.Contains(err.Error(), "nocloud.password") || strings.Contains(err.Error(), "hush") {
		t.Errorf("it says %v", err)
	}
}

func TestEnvironmentIsRendered(t *testing.T) {
	var b Builder
	if _, _, err := b.Prepare(raw(t, map[string]interface{}{"environment": map[string]string{"A": "{{ build_name }}"}})); err != nil {
		t.Fatal(err)
	}
	if b.request.Environment["A"] != "test" {
		t.Errorf("got %q", b.request.Environment["A"])
	}
}

func TestCallerEnvironment(t *testing.T) {
	t.Setenv("PKR_VAR_secret", "hush")
	t.Setenv("PACKER_CONFIG", "x")
	t.Setenv("HCP_CLIENT_SECRET", "x")
	t.Setenv("INHERITED_SECRET", "s3cret")
	t.Setenv("http_proxy", "proxy")
	var c Config
	c.PackerSensitiveVars, c.PackerUserVars = []string{"key"}, map[string]string{"key": "s3cret"}
	env := callerEnvironment(&c)
	for _, name := range []string{"PKR_VAR_secret", "PACKER_CONFIG", "HCP_CLIENT_SECRET", "INHERITED_SECRET"} {
		if value, ok := env[name]; ok {
			t.Errorf("hooks would see %s=%s", name, value)
		}
	}
	if env["http_proxy"] != "proxy" {
		t.Error("the proxy is lost")
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"10G": 10 << 30, "512M": 512 << 20, "512": 512 << 20, "1.5G": 3 << 29, "1 TiB": 1 << 40,
		"100k": 100 << 10, "4096B": 4096, "2GB": 2 << 30,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "G", "1,5G", "1e400", "999999999T", "-3", "10 GB G"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

func TestSpecCoversEveryAttribute(t *testing.T) {
	spec := (&Builder{}).ConfigSpec()
	for _, name := range []string{"elements", "environment", "disk_size", "qcow2_compression", "tmpfs", "mkfs_options"} {
		if spec[name] == nil {
			t.Errorf("attribute %s is not in the HCL2 spec; run make generate", name)
		}
	}
}

// While a template is validated, what data sources give is not known yet.
func TestUnknownValuesAreNoMistakes(t *testing.T) {
	for _, change := range []map[string]interface{}{
		{"architecture": unknown}, {"elements": []string{unknown}}, {"environment": map[string]string{"DIB_BLOCK_SIZE": unknown}},
		{"element_paths": []string{unknown}}, {"disk_size": unknown},
	} {
		config := map[string]interface{}{"elements": []string{"tiny-os"}, "element_paths": []string{"testdata/elements"}}
		for name, value := range change {
			config[name] = value
		}
		var b Builder
		variables, warnings, err := b.Prepare(config)
		if err != nil || len(warnings) > 0 || len(variables) == 0 {
			t.Errorf("%v: %v %q %q", change, err, warnings, variables)
		}
		if _, err := b.Run(t.Context(), nil, nil); err == nil {
			t.Errorf("%v: it ran", change)
		}
	}
}
