// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	cryptorand "crypto/rand"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

const (
	parallelBuilds = 8
	parallelRounds = 10
)

// crowdNonce is what the builds of this file put into their images.
var crowdNonce = regexp.MustCompile(`NONCE=[A-Z2-7]{26}`)

// crowd is a template with many sources, each of which leaves a nonce of its
// own wherever a build can write: the root file system before and after there is
// a disk, the EFI system partition, and a partition's device itself.
type crowd struct {
	workspace
	path, elements string
	layout         string
	names          []string
	nonces         map[string]string
}

func newCrowd(t *testing.T, formats string) *crowd {
	t.Helper()
	c := &crowd{workspace: newWorkspace(t), nonces: map[string]string{}}
	c.elements = c.element("nonce", "finalise.d/50-nonce", `echo "$NONCE" > /late
echo "$NONCE" > /boot/efi/late
`)
	c.element("nonce", "pre-finalise.d/50-nonce", `declare -A devices="($IMAGE_BLOCK_DEVICES)"
echo "$NONCE" | dd of="${devices[BSP]}" conv=notrunc status=none
`)
	layout, err := os.ReadFile("../../elements/block-device-efi/block-device-default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The checksums of a hundred images of half a GB of zeros take a minute.
	c.layout = strings.Replace(string(layout), "550MiB", "40MiB", 1)
	var sources strings.Builder
	for i := range parallelBuilds {
		name := fmt.Sprintf("crowd%d", i)
		c.names, c.nonces[name] = append(c.names, name), "NONCE="+cryptorand.Text()
		fmt.Fprintf(&sources, `
  source "diskimage.tiny" {
    name        = %q
    image_name  = %q
    environment = { NONCE = %q }
  }`, name, name, c.nonces[name])
	}
	c.path = c.template(fmt.Sprintf(`
  elements = ["tiny-os", "nonce", "block-device-efi"]
  formats  = [%s]`, formats), `
  provisioner "file" {
    content     = "provisioned by ${source.name}\n"
    destination = "/provisioned"
  }`)
	text, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `  sources = ["source.diskimage.tiny"]`, sources.String(), 1)
	changed = strings.Replace(changed, "  image_name       = \"tiny\"\n", "", 1)
	if err := os.WriteFile(c.path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// build starts packer for the named sources, all if there are none.
func (c *crowd) build(names ...string) *packerRun {
	c.t.Helper()
	args := []string{"build", "-force"}
	for _, name := range names {
		args = append(args, "-only=diskimage."+name)
	}
	return startPacker(c.t, c.dir, c.env("ELEMENTS_PATH="+c.elements, "DIB_BLOCK_DEVICE_CONFIG="+c.layout), append(args, c.path)...)
}

// check wants a source's own nonce, and no other, in each place of its image.
func (c *crowd) check(name string) {
	c.t.Helper()
	raw := filepath.Join(c.output, name+".raw")
	counts := map[string]int{}
	for _, found := range noncesIn(c.t, raw) {
		counts[found]++
	}
	if own := c.nonces[name]; len(counts) != 1 || counts[own] < 3 {
		c.t.Errorf("%s holds %v, want only %s, in the root, the ESP and the BIOS partition", raw, counts, own)
	}
}

// noncesIn looks at the parts of a sparse file that hold data.
func noncesIn(t *testing.T, path string) (found []string) {
	t.Helper()
	foreign.Data(t, path, func(part *io.SectionReader) {
		data, err := io.ReadAll(part)
		if err != nil {
			t.Errorf("reading %s: %v", path, err)
		}
		for _, match := range crowdNonce.FindAll(data, -1) {
			found = append(found, string(match))
		}
	})
	return found
}

// judgeImages has programs that nobody here wrote look at every image.
func (c *crowd) judgeImages() {
	c.t.Helper()
	for _, name := range c.names {
		raw, qcow2 := filepath.Join(c.output, name+".raw"), filepath.Join(c.output, name+".qcow2")
		judge(c.t, "qemu-img", "check", qcow2)
		judge(c.t, "qemu-img", "compare", raw, qcow2)
		root := checkTable(c.t, raw, "gpt", 3, 2)
		checkFilesystem(c.t, "ext4", root)
		if got := judge(c.t, "debugfs", "-R", "cat /provisioned", root); !strings.Contains(got, "provisioned by "+name) {
			c.t.Errorf("%s was provisioned as another: %q", name, got)
		}
	}
}

// TestAccEightBuildsInParallel builds eight images at once, ten times: by one
// packer, and by as many as there are images.
func TestAccEightBuildsInParallel(t *testing.T) {
	needPacker(t)
	judged := newCrowd(t, `"raw", "qcow2"`)
	c := newCrowd(t, `"raw"`)
	for round := range parallelRounds {
		crowd, runs := c, []*packerRun(nil)
		switch {
		case round == 0:
			crowd = judged
			runs = append(runs, crowd.build())
		case round%2 == 0:
			runs = append(runs, crowd.build())
		default:
			for _, name := range crowd.names {
				runs = append(runs, crowd.build(name))
			}
		}
		for _, r := range runs {
			if status := r.wait(); status != 0 {
				t.Fatalf("round %d: status %d:\n%s", round, status, r.output())
			}
		}
		crowd.assertClean()
		for _, name := range crowd.names {
			crowd.check(name)
		}
		if round == 0 {
			crowd.judgeImages()
		}
	}
}

// TestAccKillsUnderParallelLoad kills three of eight builds at any time: the
// others know nothing of it, and of the killed ones an image is whole or not there.
func TestAccKillsUnderParallelLoad(t *testing.T) {
	needPacker(t)
	c := newCrowd(t, `"raw"`)
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	const victims = 3
	took := 4 * time.Second // about what eight take together on two cores
	for round := range 3 {
		if err := os.RemoveAll(c.output); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		runs := map[string]*packerRun{}
		for _, name := range c.names {
			runs[name] = c.build(name)
		}
		for _, i := range random.Perm(parallelBuilds)[:victims] {
			r := runs[c.names[i]]
			delete(runs, c.names[i])
			time.AfterFunc(time.Duration(random.Int63n(int64(took))), func() { _ = r.cmd.Process.Kill() })
			defer r.wait()
		}
		for name, r := range runs {
			if status := r.wait(); status != 0 {
				t.Fatalf("round %d: %s, which nobody killed, ended with status %d:\n%s", round, name, status, r.output())
			}
			c.check(name)
		}
		took = time.Since(began)
		c.assertClean()
		c.onlyWhole()
	}
}

// onlyWhole wants every image there is to be complete.
func (c *crowd) onlyWhole() {
	c.t.Helper()
	entries, err := os.ReadDir(c.output)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".raw")
		if !ok || c.nonces[name] == "" {
			c.t.Errorf("%s is no image", e.Name())
			continue
		}
		c.check(name)
	}
}
