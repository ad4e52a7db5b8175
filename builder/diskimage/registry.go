// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	registryimage "github.com/hashicorp/packer-plugin-sdk/packer/registry/image"
)

// platform is the builder's name in HCP Packer, where clouds have theirs.
const platform = "diskimage"

// registryImage describes the first image file to HCP Packer. There is one
// description only: data sources look an artifact up by platform and region,
// and two with the same could not be told apart.
func registryImage(a *Artifact, region, size string, data map[string]interface{}) *registryimage.Image {
	first := a.files[0]
	labels := map[string]string{
		"digest":    a.Id(),
		"disk_size": size,
		"file":      filepath.Base(first),
		"format":    format(first),
	}
	for label, variable := range map[string]string{
		"architecture": "Architecture",
		"distribution": "Distribution",
		"elements":     "Elements",
		"release":      "Release",
	} {
		if text, _ := data[variable].(string); text != "" {
			labels[label] = text
		}
	}
	source, _ := data["SourceImageURL"].(string)
	return &registryimage.Image{
		ImageID:        a.Id(),
		ProviderName:   platform,
		ProviderRegion: region,
		SourceImageID:  source,
		Labels:         labels,
	}
}

// publicSource is a source image's name without what only its owner may know:
// credentials, and the query, in which clouds put signatures.
func publicSource(source string) string {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" {
		return source
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// checkSource wants what looks like a URL to be one, since only then is it
// known what of it is public. The error does not repeat it.
func checkSource(source string) error {
	if !strings.Contains(source, "://") {
		return nil
	}
	if u, err := url.Parse(source); err != nil || u.Host == "" && u.Scheme != "file" {
		return errors.New("is not a valid URL")
	}
	return nil
}
