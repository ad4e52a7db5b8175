// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

const (
	// svcMapFile maps services to their names in the target's distribution.
	svcMapFile = "/usr/share/svc-map/services"
	// svcMapMerged is where the merged map waits in the image for the hook that
	// installs it.
	svcMapMerged = "/tmp/svc-map-services"
)

// serviceFamily is the family of a distribution in svc-map files; its table is
// older than that of pkg-map (element contract §4.3).
func serviceFamily(distro string) string {
	switch distro {
	case "centos", "centos7", "fedora", "rhel", "rhel7":
		return "redhat"
	case "debian", "ubuntu":
		return "debian"
	case "opensuse":
		return "suse"
	}
	return ""
}

// svcMap is svc-map: it prints what services are called in the target, one per
// line. A service that is installed under the name asked for keeps it.
func svcMap(_ context.Context, c *call) error {
	services := value{}
	file := c.path(svcMapFile)
	if there, err := exists(file); err != nil {
		return err
	} else if there {
		if services, err = readValue(file); err != nil {
			return err
		}
	}
	for _, name := range c.args {
		installed, err := c.serviceInstalled(name)
		if err != nil {
			return err
		}
		if mapped, ok := services.get(name); ok && !installed {
			c.sayf("%s", mapped.text)
			continue
		}
		c.sayf("%s", name)
	}
	return nil
}

func (c *call) serviceInstalled(name string) (bool, error) {
	for _, file := range []string{
		c.path("lib/systemd/system", name+".service"), c.path("etc/init", name+".conf"),
	} {
		if there, err := exists(file); err != nil || there {
			return there, err
		}
	}
	return false, nil
}

// svcMapMerge is svc-map-merge [OUT]: it merges the svc-map files of the build's
// elements for DISTRO_NAME into /tmp/svc-map-services of the image, or OUT.
func svcMapMerge(_ context.Context, c *call) error {
	sources, err := c.elements()
	if err != nil {
		return err
	}
	merged := value{kind: kindMap}
	for _, s := range sources {
		if err := mergeServices(&merged, s, c.getenv("DISTRO_NAME", "")); err != nil {
			return err
		}
	}
	doc, err := encodeServices(merged)
	if err != nil {
		return err
	}
	if len(c.args) > 0 {
		return os.WriteFile(c.args[0], doc, 0o644)
	}
	img, err := c.openImage()
	if err != nil {
		return err
	}
	defer img.Close()
	return img.write(svcMapMerged, doc, 0o644)
}

// mergeServices adds one element's services; the name for the distribution goes
// before that for its family, the default and the service's own name.
func mergeServices(merged *value, s source, distro string) error {
	file := filepath.Join(s.dir, "svc-map")
	if there, err := exists(file); err != nil || !there {
		return err
	}
	doc, err := readValue(file)
	if err == nil && doc.kind != kindMap && doc.kind != kindNull {
		err = fmt.Errorf("%s: want a map of services, found %s", file, doc.kind)
	}
	if err != nil {
		return fmt.Errorf("element %s: %w", s.name, err)
	}
	for _, p := range doc.pairs {
		if _, twice := merged.get(p.key.text); twice {
			return fmt.Errorf("element %s: %s: %s already found in services list, another element defines this service", s.name, file, p.key.text)
		}
		if p.value.kind != kindMap && p.value.kind != kindNull {
			return fmt.Errorf("element %s: %s: service %s: want a map of distributions to names, found %s",
				s.name, file, p.key.text, p.value.kind)
		}
		name := value{kind: kindString, text: p.key.text}
		for _, key := range []string{distro, serviceFamily(distro), "default"} {
			if mapped, ok := p.value.get(key); ok && key != "" {
				name.text = mapped.text
				break
			}
		}
		merged.put(value{kind: kindString, text: p.key.text}, name)
	}
	return nil
}

// encodeServices writes the services as YAML, sorted by name.
func encodeServices(services value) ([]byte, error) {
	names := map[string]string{}
	for _, p := range services.pairs {
		names[p.key.text] = p.value.text
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	if err := enc.Encode(names); err != nil {
		return nil, fmt.Errorf("writing the services: %w", err)
	}
	return out.Bytes(), enc.Close()
}
