// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// request is the template's wish in the engine's terms.
type request struct {
	plan.Request
	caller pipeline.Environment
	work   string
	epoch  *time.Time
	// breaks are the points at which the build stops.
	breaks []string
	// seed is what is carried beside the root file system.
	seed carriedSeed
	// notes are about attributes that have no effect.
	notes []string
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

// newRequest checks the attributes one by one; all mistakes come back together.
func newRequest(c *Config, caller pipeline.Environment) (request, error) {
	env := caller.With(c.Environment)
	c.setDefaults(env)
	var wrong mistakes
	r := request{caller: caller, work: c.WorkDirectory}
	r.Request = plan.Request{
		Elements:           c.Elements,
		ElementPaths:       plan.SearchPath(c.ElementPaths, env),
		SkipBase:           c.SkipBase,
		PathInfrastructure: c.PathInfrastructure,
		Architecture:       c.Architecture,
		Environment:        env,
		Given:              slices.Collect(maps.Keys(c.Environment)),
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
		wrong.add("elements", errors.New("name at least one element, such as \"debian-minimal\"; if a data source gives the list, validate with -evaluate-datasources"))
	}
	checkTexts(c, &wrong)
	r.checkWords(c, &wrong)
	for _, err := range plan.CheckVariableNames(c.Environment) {
		wrong.add("environment", err)
	}
	r.readFormats(c, &wrong)
	r.readQEMUOptions(c, env, &wrong)
	r.readResize(c, env, &wrong)
	r.readSizes(c, env, &wrong)
	r.readEpoch(env, &wrong)
	r.readBreaks(env, &wrong)
	r.readSeed(c, &wrong)
	return r, errors.Join(wrong...)
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
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
	if c.QCOW2Compression != "" && len(r.Formats) > 0 && !slices.Contains(r.Formats, image.QCOW2) {
		r.notes = append(r.notes, "qcow2_compression has no effect, as qcow2 is not among formats")
	}
}

// readQEMUOptions reads further options of qcow2. diskimage-builder gives those
// of its variable to every format; for raw there are none.
func (r *request) readQEMUOptions(c *Config, env map[string]string, wrong *mistakes) {
	attribute := "qemu_img_options"
	r.QCOW2Options = c.QEMUImgOptions
	if text := env["QEMU_IMG_OPTIONS"]; len(c.QEMUImgOptions) == 0 && text != "" {
		attribute += " (from QEMU_IMG_OPTIONS)"
		options, err := image.ParseOptions(text)
		wrong.add(attribute, err)
		r.QCOW2Options = options
	}
	for _, err := range flatten(r.QCOW2Options.Check(r.Compression)) {
		wrong.add(attribute, err)
	}
	if len(c.QEMUImgOptions) > 0 && len(r.Formats) > 0 && !slices.Contains(r.Formats, image.QCOW2) {
		r.notes = append(r.notes, "qemu_img_options has no effect, as qcow2 is not among formats")
	}
}

// readResize reads how far the root file system can grow.
func (r *request) readResize(c *Config, env map[string]string, wrong *mistakes) {
	attribute, blocks := "max_online_resize", c.MaxOnlineResize
	if text := env["MAX_ONLINE_RESIZE"]; blocks == 0 && text != "" {
		attribute += " (from MAX_ONLINE_RESIZE)"
		var err error
		if blocks, err = strconv.ParseInt(text, 10, 64); err != nil {
			wrong.add(attribute, fmt.Errorf("%q is not a number of blocks", text))
			return
		}
	}
	if blocks < 0 {
		wrong.add(attribute, fmt.Errorf("%d is not a number of blocks; write one of 4 KiB each, such as 274877906944 for 1 PiB", blocks))
	}
	r.MaxOnlineResize = blocks
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
				err = fmt.Errorf("%q is less than 1M; write 1M or more", s.text)
			}
			wrong.add(s.attribute, err)
		case env[s.variable] != "":
			*s.into, err = variableSize(env[s.variable], s.unit)
			wrong.add(s.attribute+" (from "+s.variable+")", err)
		}
	}
	if r.DiskSize > 0 && r.JournalSize > r.DiskSize/2 {
		wrong.add("mkfs_journal_size", fmt.Errorf("%s is more than half of the disk, which has %s; make it smaller or leave it out",
			plan.Bytes(r.JournalSize), plan.Bytes(r.DiskSize)))
	}
	if c.DiskSize != "" && c.ImageExtraSize != "" {
		r.notes = append(r.notes, "image_extra_size has no effect beside disk_size, as it is for a computed size")
	}
}

func variableSize(text string, unit float64) (int64, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number > 0 && number*unit <= 1<<62) {
		name := map[float64]string{mebibyte: "MiB", 1 << 30: "GiB"}[unit]
		return 0, fmt.Errorf("%q is not a positive number; write a number of %s, without a unit", text, name)
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
		wrong.add("environment (SOURCE_DATE_EPOCH)", fmt.Errorf("%q is not a number of seconds since 1970", text))
		return
	}
	epoch := time.Unix(seconds, 0).UTC()
	r.epoch, r.Reproducible = &epoch, true
}

// readBreaks reads break. A build that goes past the point that was meant is of
// no use, so a wrong name is an error, unlike in diskimage-builder.
func (r *request) readBreaks(env map[string]string, wrong *mistakes) {
	points, err := pipeline.ParseBreaks(env["break"])
	for _, e := range flatten(err) {
		wrong.add("environment (break)", e)
	}
	r.breaks = points
}

// plan makes the plan of this request on the host described.
func (r request) plan(host plan.Inventory) (*plan.Plan, error) {
	made, err := plan.Make(elements.FS(), r.Request, host)
	if err != nil {
		return nil, err
	}
	made.Notes = append(made.Notes, r.notes...)
	return made, nil
}
