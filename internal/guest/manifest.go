// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"strings"
)

// initSystem is dib-init-system: it prints the target's init system, which the
// element of the operating system has chosen in DIB_INIT_SYSTEM.
func initSystem(_ context.Context, c *call) error {
	name, err := c.need("DIB_INIT_SYSTEM")
	if err != nil {
		return err
	}
	c.sayf("%s", name)
	return nil
}

// elementManifest is element-manifest: it writes the names of the build's elements,
// one per line, to DIB_ELEMENT_MANIFEST_PATH in the image.
func elementManifest(_ context.Context, c *call) error {
	names, err := c.need("IMAGE_ELEMENT")
	if err != nil {
		return err
	}
	img, err := c.openImage()
	if err != nil {
		return err
	}
	defer img.Close()
	file := c.getenv("DIB_ELEMENT_MANIFEST_PATH", c.manifestDir()+"/dib-element-manifest")
	return img.write(file, []byte(strings.Join(strings.Fields(names), "\n")+"\n"), 0o644)
}

// manifestDir is where manifests lie in the image.
func (c *call) manifestDir() string {
	return c.getenv("DIB_MANIFEST_IMAGE_DIR", "/etc/dib-manifests")
}
