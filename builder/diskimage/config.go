// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc mapstructure-to-hcl2 -type Config,NoCloud
//go:generate packer-sdc struct-markdown

package diskimage

import (
	"maps"
	"slices"

	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/seedconfig"
)

// Config is the template's `source "diskimage"` block.
//
// Sizes are strings with a unit of 1024-based steps, such as "10G", "512M" or
// "1.5G"; a bare number is MiB, as in the QEMU builder.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The elements that make the image, in the naming of diskimage-builder.
	// Their dependencies are added; so is `base`, unless `skip_base` is set.
	// `vm` without a `block-device-*` element brings `block-device-mbr`
	// (`block-device-efi` on arm64).
	Elements []string `mapstructure:"elements" required:"true"`
	// Directories with elements of your own. Earlier ones win over later ones,
	// all of them over `ELEMENTS_PATH` of the environment, and that over the
	// built-in elements.
	ElementPaths []string `mapstructure:"element_paths"`
	// Variables for the elements' hooks, such as `DIB_RELEASE`. They win over
	// the environment that Packer was started with, of which hooks also get
	// everything but `PKR_VAR_*`, `PACKER_*` and `HCP_*`. A `DIB_*` variable
	// that neither an element of the image nor the builder reads is a warning.
	Environment map[string]string `mapstructure:"environment"`
	// Packages to install, in one transaction, after the elements' own and
	// before the provisioners.
	Packages []string `mapstructure:"packages"`
	// The architecture in Debian's naming, such as `amd64` or `arm64`. The
	// default is that of the host.
	Architecture string `mapstructure:"architecture"`
	// Do not add the element `base`.
	SkipBase bool `mapstructure:"skip_base"`
	// How elements that offer several ways install what they bring: `source`
	// (default), `package`, or another one that your elements have.
	// `DIB_DEFAULT_INSTALLTYPE` is the variable for it; for a single element
	// that is `DIB_INSTALLTYPE_` and its name.
	InstallType string `mapstructure:"install_type"`
	// Infrastructure elements (`package-installs`, `pkg-map`, …) that are to be
	// taken from `element_paths` although the builder has its own, faster ones.
	PathInfrastructure []string `mapstructure:"path_infrastructure"`
	// Bring back quirks of diskimage-builder that are mended otherwise: files
	// at the top of the root file system whose names begin with a dot
	// (`/.autorelabel`) are left out of the image, 525 MiB
	// are added for `block-device-efi` even to an explicit `disk_size`, and
	// `package-installs` reads `uninstall: false` and blanks in lists of
	// architectures as upstream does.
	DIBCompat bool `mapstructure:"dib_compat"`

	// Where the image files are put, made if it is not there. The default is
	// `output-` and the build's name. Files appear in it whole, at the very end.
	// An image file that is already there is an error unless Packer is run
	// with `-force`, which replaces it at that moment and not before.
	OutputDirectory string `mapstructure:"output_directory"`
	// The name of the image files without their extension. The default is the
	// build's name.
	ImageName string `mapstructure:"image_name"`
	// The formats of the image files: `qcow2`, `raw`. The default is
	// `["qcow2"]`. The first one is the artifact's first file.
	Formats []string `mapstructure:"formats"`
	// The compression of qcow2: `zlib` (default, read everywhere), `zstd`
	// (several times faster to make, needs QEMU 5.1 or later) or `none`.
	QCOW2Compression string `mapstructure:"qcow2_compression"`
	// Further options of qcow2 (`qemu-img convert -o`), such as
	// `{ cluster_size = "2M" }` or `{ compat = "0.10" }` for readers of old.
	// `QEMU_IMG_OPTIONS` (`name=value,…`) is the variable for it.
	QEMUImgOptions map[string]string `mapstructure:"qemu_img_options"`

	// Where the image is kept, as HCP Packer's region: data sources look an
	// artifact up by it. The default is `local`.
	Region string `mapstructure:"region"`
	// What the image is made from, if it starts from another image: its URL,
	// path or id. It is not read, only told to HCP Packer, which shows it as
	// the image's parent if it is the `external_identifier` of an
	// `hcp-packer-artifact` data source, and given as `build.SourceImageURL`;
	// a URL without credentials and query. The default is `DIB_LOCAL_IMAGE`.
	SourceImage string `mapstructure:"source_image"`

	// The size of the whole disk. Without it the size is computed from what is
	// in the image, with a reserve of two thirds of that for the root file
	// system, or of `image_extra_size`. `DIB_IMAGE_SIZE` (GiB) is the
	// variable of diskimage-builder for it.
	DiskSize string `mapstructure:"disk_size"`
	// Free space to leave in the root file system of a computed size.
	// `DIB_IMAGE_EXTRA_SIZE` (MiB) is the variable for it.
	ImageExtraSize string `mapstructure:"image_extra_size"`
	// The root file system's label. The default is `cloudimg-rootfs`, or
	// `img-rootfs` on xfs, whose labels are short.
	RootLabel string `mapstructure:"root_label"`
	// The root file system's type, where the layout leaves it open: `ext4`
	// (default), `ext3`, `ext2` or `xfs`. `FS_TYPE` is the variable for it.
	// `block-device-efi` does not leave it open, as in diskimage-builder.
	RootFS string `mapstructure:"root_fs"`
	// More options for the program that makes the root file system.
	MkfsOptions []string `mapstructure:"mkfs_options"`
	// The size of an ext4 root file system's journal. The default is `64M`, or
	// less on a small disk. `DIB_JOURNAL_SIZE` (MiB) is the variable for it.
	MkfsJournalSize string `mapstructure:"mkfs_journal_size"`

	// The number of blocks (4 KiB each) up to which an ext root file system can
	// grow while it is mounted. Without it mke2fs decides, who allows about a
	// thousand times the size. `MAX_ONLINE_RESIZE` is the variable for it.
	MaxOnlineResize int64 `mapstructure:"max_online_resize"`

	// Where the work directory is made. The default is `TMPDIR`, then `TMP_DIR`
	// of the environment, then `/var/tmp`.
	WorkDirectory string `mapstructure:"work_directory"`
	// Whether the image's files are put together in memory: `auto` (default:
	// if 4 GiB are available), `always` or `never`. `DIB_NO_TMPFS` (1) is the
	// variable for `never`.
	Tmpfs string `mapstructure:"tmpfs"`
	// Where downloads are kept between builds. The default is
	// `DIB_IMAGE_CACHE`, then `~/.cache/image-create`.
	ImageCacheDirectory string `mapstructure:"image_cache_directory"`
	// Tell elements to use their caches without refreshing them (`DIB_OFFLINE`).
	Offline bool `mapstructure:"offline"`

	// A seed for cloud-init's NoCloud datasource that is carried by a volume
	// beside the image or by a partition of it; see the section Seed.
	NoCloud NoCloud `mapstructure:"nocloud"`

	ctx interpolate.Context
}

// NoCloud is the block `nocloud`: a seed that is carried beside the image's root
// file system. The attributes of the seed are the provisioner's.
type NoCloud struct {
	seedconfig.Config `mapstructure:",squash"`

	// Volumes with the seed that are put beside the image and belong to the
	// artifact: `iso` (`IMAGE-cidata.iso`) and `vfat` (`IMAGE-cidata.vfat`).
	// Attach one to a machine, and its cloud-init finds it by the label.
	Media []string `mapstructure:"media"`
	// Put the seed on a partition of its own, FAT with the label CIDATA, before
	// the root's partition, so that the root can still grow. It needs a layout
	// with a partition table. The default is `false`.
	Partition config.Trilean `mapstructure:"partition"`

	// given tells whether the template has the block at all.
	given bool
}

// decode reads the template's block into the configuration.
func (c *Config) decode(raws ...interface{}) error {
	block, raws, err := decodeNoCloud(raws)
	if err != nil {
		return err
	}
	*c = Config{NoCloud: block}
	return config.Decode(c, &config.DecodeOpts{
		PluginType:         "diskimage",
		Interpolate:        true,
		InterpolateContext: &c.ctx,
	}, raws...)
}

// unknown is what Packer writes, while a template is validated, for a string that
// only a data source will give.
const unknown = "<unknown>"

// known tells whether Packer knew all texts that the plan is made of. Of a list
// that is unknown as a whole Packer makes an empty one, which cannot be told from
// a mistake.
func (c *Config) known() bool {
	values := slices.Concat([]string{c.Architecture, c.InstallType, c.SourceImage, c.DiskSize}, c.Elements, c.ElementPaths,
		c.Packages, slices.Collect(maps.Values(c.Environment)))
	return !slices.Contains(values, unknown) && len(c.NoCloud.Unknowns()) == 0 && !slices.Contains(c.NoCloud.Media, unknown)
}

// setDefaults fills what the template leaves open. The environment is that of
// the elements' hooks.
func (c *Config) setDefaults(env map[string]string) {
	for _, d := range []struct {
		value    *string
		defaults []string
	}{
		{&c.Architecture, []string{hostArchitecture()}},
		{&c.OutputDirectory, []string{"output-" + c.PackerBuildName}},
		{&c.ImageName, []string{c.PackerBuildName, "image"}},
		{&c.Region, []string{"local"}},
		{&c.SourceImage, []string{env["DIB_LOCAL_IMAGE"]}},
		{&c.RootFS, []string{env["FS_TYPE"]}},
		{&c.RootLabel, []string{env["ROOT_LABEL"]}},
		{&c.InstallType, []string{env["DIB_DEFAULT_INSTALLTYPE"], "source"}},
		{&c.Tmpfs, []string{map[bool]string{true: "never"}[env["DIB_NO_TMPFS"] == "1"], "auto"}},
		{&c.WorkDirectory, []string{env["TMPDIR"], env["TMP_DIR"], "/var/tmp"}},
		{&c.ImageCacheDirectory, []string{env["DIB_IMAGE_CACHE"], defaultImageCache(env["HOME"])}},
	} {
		for _, value := range d.defaults {
			if *d.value == "" {
				*d.value = value
			}
		}
	}
	if len(c.Formats) == 0 {
		c.Formats = []string{"qcow2"}
	}
}
