// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hostAptMirror is host-apt-mirror [--security] DISTRIBUTION RELEASE: it prints
// the archive that the build host itself installs DISTRIBUTION's packages from,
// and nothing when the host runs something else. With --security it is the
// archive of security updates.
//
// An entry for RELEASE goes first; else any release's entry serves, as an archive
// holds all releases.
func hostAptMirror(_ context.Context, c *call) error {
	opts, err := options{flags: []string{"--security", "--help", "-h"}}.parse(c.args)
	if err != nil {
		return statusf(2, "%w", err)
	}
	if opts.has("--help") || opts.has("-h") || len(opts.operands) != 2 {
		return statusf(2, "usage: host-apt-mirror [--security] DISTRIBUTION RELEASE")
	}
	distribution, release := opts.operands[0], opts.operands[1]
	id, err := c.hostDistribution()
	if err != nil || id != distribution {
		return err
	}
	entries, err := c.aptEntries()
	if err != nil {
		return err
	}
	if uri := c.pickArchive(entries, distribution, release, opts.has("--security")); uri != "" {
		c.sayf("%s", strings.TrimRight(uri, "/"))
	}
	return nil
}

// hostDistribution is the ID of os-release, "" on a system without that file.
func (c *call) hostDistribution() (string, error) {
	doc, err := os.ReadFile(c.path("etc/os-release"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	id := ""
	for line := range strings.Lines(string(doc)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "ID="); ok {
			id = strings.Trim(value, `"'`)
		}
	}
	return id, nil
}

// aptEntries reads the host's sources in apt's order.
func (c *call) aptEntries() ([]aptEntry, error) {
	files, err := filepath.Glob(c.path("etc/apt/sources.list.d/*"))
	if err != nil {
		return nil, err
	}
	var all []aptEntry
	for _, file := range append([]string{c.path("etc/apt/sources.list")}, files...) {
		parse := parseSourcesList
		switch {
		case strings.HasSuffix(file, ".sources"):
			parse = parseSourcesFile
		case !strings.HasSuffix(file, ".list"):
			continue
		}
		doc, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the host's package sources: %w", err)
		}
		all = append(all, parse(string(doc))...)
	}
	return all, nil
}

// pickArchive returns the URI of the entry with the most points, the first of
// them in apt's order, "" if none fits. As many other archives have a "main" of
// the release too, what apt knows of the archive counts most.
func (c *call) pickArchive(entries []aptEntry, distribution, release string, security bool) string {
	best, most := "", 0
	for _, e := range entries {
		uri := c.archiveURI(e.uri)
		if uri == "" || !slices.Contains(e.components, "main") {
			continue
		}
		if points := c.points(uri, e.suite, distribution, release, security); points > most {
			best, most = uri, points
		}
	}
	return best
}

// points says how well an archive fits, 0 for not at all.
func (c *call) points(uri, suite, distribution, release string, security bool) int {
	points := 0
	switch {
	case fitsRelease(suite, release, security):
		points = 3
	case fitsAnyRelease(suite, security):
		points = 1
	default:
		return 0
	}
	if strings.Contains(filepath.Base(strings.TrimRight(uri, "/")), distribution) {
		points++
	}
	switch origin := c.archiveOrigin(uri, suite); {
	case strings.EqualFold(origin, distribution):
		points += 4
	case origin != "":
		return 0
	}
	return points
}

func fitsRelease(suite, release string, security bool) bool {
	if security {
		return suite == release+"-security" || suite == release+"/updates"
	}
	return suite == release
}

// fitsAnyRelease says whether a suite is of the wanted kind: security updates,
// or a release itself and not updates or backports for it.
func fitsAnyRelease(suite string, security bool) bool {
	if security {
		return strings.HasSuffix(suite, "-security") || strings.HasSuffix(suite, "/updates")
	}
	return !strings.ContainsAny(suite, "-/")
}

// archiveURI returns a URI that another machine's package tools understand, ""
// if there is none. "mirror+file:" names a file with archives, best first. The
// URI gets into the image, so one that holds a password or means this host only
// is none.
func (c *call) archiveURI(uri string) string {
	scheme, rest, _ := strings.Cut(uri, ":")
	switch strings.ToLower(scheme) {
	case "http", "https":
		if u, err := url.Parse(uri); err == nil && u.User == nil && !onlyHere(u.Hostname()) {
			return uri
		}
	case "mirror+file":
		doc, err := os.ReadFile(c.path(strings.TrimPrefix(rest, "//")))
		if err != nil {
			return ""
		}
		for line := range strings.Lines(string(doc)) {
			if fields := strings.Fields(line); len(fields) > 0 && fields[0][0] != '#' && !strings.HasPrefix(fields[0], "mirror+") {
				return c.archiveURI(fields[0])
			}
		}
	}
	return ""
}

// onlyHere says whether a host's name or address means the machine that asks.
func onlyHere(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	switch host {
	case "", "localhost", "ip6-localhost", "ip6-loopback":
		return true
	}
	if strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".localdomain") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.Unmap().IsLoopback() || addr.IsUnspecified())
}

// archiveOrigin is the origin that an archive claims in the lists that apt has
// fetched, "" if there are none.
func (c *call) archiveOrigin(uri, suite string) string {
	_, place, _ := strings.Cut(strings.TrimRight(uri, "/"), "://")
	list := strings.NewReplacer("_", "%5f", "/", "_").Replace(place + "/dists/" + suite + "/")
	for _, name := range []string{"InRelease", "Release"} {
		doc, err := os.ReadFile(c.path("var/lib/apt/lists", list+name))
		if err != nil {
			continue // never updated, or lists were cleaned: no evidence
		}
		for line := range strings.Lines(string(doc)) {
			if origin, ok := strings.CutPrefix(line, "Origin:"); ok {
				return strings.TrimSpace(origin)
			}
		}
	}
	return ""
}
