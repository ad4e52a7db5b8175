// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// request is the template's wish in the engine's terms.
type request struct {
	plan.Request
	caller pipeline.Environment
	work   string
	epoch  *time.Time
}

func hostArchitecture() string { return plan.HostArchitecture() }

func defaultImageCache(home string) string {
	return filepath.Join(home, ".cache", "image-create")
}

// callerEnvironment is what hooks inherit from the one who started packer.
func callerEnvironment(c *Config) pipeline.Environment {
	var secrets []string
	for _, name := range c.PackerSensitiveVars {
		secrets = append(secrets, c.PackerUserVars[name])
	}
	return pipeline.CallerEnvironment(os.Environ(), secrets)
}

// mistakes collects what is wrong with attributes.
type mistakes []error

func (m *mistakes) add(attribute string, err error) {
	if err != nil {
		*m = append(*m, &plan.AttributeError{Attribute: attribute, Err: err})
	}
}

// newRequest checks the attributes one by one; all mistakes come back together.
func newRequest(c *Config, caller pipeline.Environment) (request, error) {
	env := caller.With(c.Environment)
	c.setDefaults(env)
	var wrong mistakes
	r := request{caller: caller, work: c.WorkDirectory}
	r.Request = plan.Request{
		Elements:           c.Elements,
		ElementPaths:       elementPaths(c, env),
		SkipBase:           c.SkipBase,
		PathInfrastructure: c.PathInfrastructure,
		Architecture:       c.Architecture,
		Environment:        env,
		Packages:           c.Packages,
		OutputDirectory:    c.OutputDirectory,
		ImageName:          c.ImageName,
		Force:              c.PackerForce,
		RootFS:             c.RootFS,
		RootLabel:          c.RootLabel,
		MkfsOptions:        c.MkfsOptions,
		Compat:             c.DIBCompat,
		Memory:             plan.Memory(c.Tmpfs),
		ImageCache:         absolute(c.ImageCacheDirectory),
	}
	if len(c.Elements) == 0 {
		wrong.add("elements", errors.New("name at least one element, such as \"debian-minimal\""))
	}
	r.checkWords(c, &wrong)
	checkEnvironment(c, &wrong)
	r.readFormats(c, &wrong)
	r.readSizes(c, env, &wrong)
	r.readEpoch(env, &wrong)
	return r, errors.Join(wrong...)
}

func elementPaths(c *Config, env map[string]string) []string {
	paths := slices.Clone(c.ElementPaths)
	if more := env["ELEMENTS_PATH"]; more != "" {
		paths = append(paths, filepath.SplitList(more)...)
	}
	for i, p := range paths {
		if p != "" {
			paths[i] = absolute(p)
		}
	}
	return paths
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// rootFilesystems are those that a root can have.
var rootFilesystems = []string{"ext4", "ext3", "ext2", "xfs"}

func (r *request) checkWords(c *Config, wrong *mistakes) {
	if c.RootFS != "" {
		if err := oneOf(c.RootFS, rootFilesystems); err != nil {
			wrong.add("root_fs", err)
			r.RootFS = "" // so that the plan does not complain again
		}
	}
	wrong.add("tmpfs", oneOf(c.Tmpfs, []string{"auto", "always", "never"}))
	if strings.ContainsRune(c.ImageName, '/') || c.ImageName == "." || c.ImageName == ".." {
		wrong.add("image_name", fmt.Errorf("%q must be a plain file name; use output_directory for the directory", c.ImageName))
	}
	if strings.TrimSpace(c.Region) == "" {
		wrong.add("region", errors.New("is blank; leave it out for the default"))
	}
	wrong.add("source_image", checkSource(c.SourceImage))
	for _, p := range c.Packages {
		if p == "" || strings.ContainsAny(p, " \t\n'\"$`;&|") {
			wrong.add("packages", fmt.Errorf("%q is not the name of a package", p))
		}
	}
}

func checkEnvironment(c *Config, wrong *mistakes) {
	for _, name := range slices.Sorted(mapKeys(c.Environment)) {
		if name == "" || strings.ContainsAny(name, "= \t\n") || name[0] >= '0' && name[0] <= '9' {
			wrong.add("environment", fmt.Errorf("%q cannot be the name of a variable", name))
		}
		if strings.ContainsRune(c.Environment[name], 0) {
			wrong.add("environment", fmt.Errorf("the value of %s has a NUL byte", name))
		}
	}
}

func mapKeys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func oneOf(value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%q is none of %s%s", value, strings.Join(allowed, ", "), nearest.Hint(value, allowed))
}

func (r *request) readFormats(c *Config, wrong *mistakes) {
	for _, name := range c.Formats {
		format, err := image.ParseFormat(name)
		if err == nil && slices.Contains(r.Formats, format) {
			err = fmt.Errorf("%q is there twice", name)
		}
		wrong.add("formats", err)
		if err == nil {
			r.Formats = append(r.Formats, format)
		}
	}
	compression, err := image.ParseCompression(c.QCOW2Compression)
	wrong.add("qcow2_compression", err)
	r.Compression = compression
}

// readSizes reads sizes from attributes, else from the variables that
// diskimage-builder has for them, in those variables' own units.
func (r *request) readSizes(c *Config, env map[string]string, wrong *mistakes) {
	for _, s := range []struct {
		attribute, text, variable string
		unit                      float64
		least                     int64
		into                      *int64
	}{
		{"disk_size", c.DiskSize, "DIB_IMAGE_SIZE", 1 << 30, 0, &r.DiskSize},
		{"image_extra_size", c.ImageExtraSize, "DIB_IMAGE_EXTRA_SIZE", mebibyte, 0, &r.ExtraSize},
		{"mkfs_journal_size", c.MkfsJournalSize, "DIB_JOURNAL_SIZE", mebibyte, mebibyte, &r.JournalSize},
	} {
		var err error
		switch {
		case s.text != "":
			*s.into, err = parseSize(s.text)
			if err == nil && *s.into < s.least {
				err = fmt.Errorf("%q is less than 1M", s.text)
			}
			wrong.add(s.attribute, err)
		case env[s.variable] != "":
			*s.into, err = variableSize(env[s.variable], s.unit)
			wrong.add(s.attribute+" (from "+s.variable+")", err)
		}
	}
}

func variableSize(text string, unit float64) (int64, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number <= 0 || number*unit > 1<<62 {
		return 0, fmt.Errorf("%q is not a positive number", text)
	}
	return int64(number * unit), nil
}

// readEpoch reads SOURCE_DATE_EPOCH, seconds since 1970: nothing in the image
// is to be newer.
func (r *request) readEpoch(env map[string]string, wrong *mistakes) {
	text := env["SOURCE_DATE_EPOCH"]
	if text == "" {
		return
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		wrong.add("environment (SOURCE_DATE_EPOCH)", fmt.Errorf("%q is not a number of seconds", text))
		return
	}
	epoch := time.Unix(seconds, 0).UTC()
	r.epoch, r.Reproducible = &epoch, true
}

// plan makes the plan of this request on the host described.
func (r request) plan(host plan.Inventory) (*plan.Plan, error) {
	catalogue, warnings, err := element.Load(elements.FS(), r.ElementPaths)
	if err != nil {
		return nil, &plan.AttributeError{Attribute: "element_paths", Err: err}
	}
	made, err := plan.New(r.Request, catalogue, host)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		// A search path usually holds many more elements than the image needs.
		if made.Set.Contains(w.Element) {
			made.Notes = append(made.Notes, w.String())
		}
	}
	return made, nil
}
