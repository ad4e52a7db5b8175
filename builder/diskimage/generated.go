// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"maps"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// generatedVariables can be used as build.NAME by provisioners and
// post-processors. There is no Device: the disk is made after the provisioners
// and detached before the post-processors, and validation says so where one is
// asked for.
var generatedVariables = []string{
	"MountPath", "ImagePath", "OutputDirectory", "ImageSHA256", "SourceImageURL",
	"Elements", "Distribution", "Release", "Architecture", "OSType", "OSArch",
}

// What stands for values at a time when there are none, in the SDK's manner: an
// empty one would go unnoticed in a command line.
const (
	noDigestYet     = "ERR_IMAGE_SHA256_IS_NOT_KNOWN_TO_PROVISIONERS"
	noImage         = "ERR_NO_IMAGE_IS_WRITTEN"
	noMountPathMore = "ERR_MOUNT_PATH_IS_GONE_AFTER_THE_BUILD"
)

// finalData is what post-processors are told: what provisioners were, and what
// the end of the build changed about it. It is never nil, which some could not
// do with.
func finalData(data map[string]interface{}, result *pipeline.Result) map[string]interface{} {
	final := maps.Clone(data)
	if final == nil {
		final = map[string]interface{}{}
	}
	final["ImageSHA256"] = result.SHA256
	final["MountPath"] = noMountPathMore
	return final
}

// machineName is what `uname -m` prints on a Debian architecture, the form in
// which provisioners expect it.
func machineName(architecture string) string {
	switch architecture {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "armhf":
		return "armv7l"
	case "i386":
		return "i686"
	case "ppc64el":
		return "ppc64le"
	}
	return architecture
}
