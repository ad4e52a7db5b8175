// SPDX-License-Identifier: MPL-2.0

// Package media makes the carriers of a rendered seed that are not the seed
// directory of a machine: volumes that cloud-init's NoCloud datasource knows by
// their label (ISO 9660 and FAT), a directory for an HTTP server, and the text
// that names such a server on the kernel's command line or in the SMBIOS serial
// number.
//
// Everything is written in user space on any system, and the same seed and time
// give the same bytes. Seeds hold passwords and keys: every file that is made
// here is for its owner only.
package media

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// Labels of the volumes. cloud-init takes either case; FAT has no lower one.
const (
	LabelISO = "cidata"
	LabelFAT = "CIDATA"
)

// Epoch is the time of files whose time nobody gave: the first one that FAT knows.
var Epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// clamp moves a time into the years that both ISO 9660 and FAT can say.
func clamp(t time.Time) time.Time {
	last := time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	switch t = t.UTC(); {
	case t.Before(Epoch):
		return Epoch
	case t.After(last):
		return last
	}
	return t
}

// portable is a name that every system and every file system takes as it is. 64
// characters are the most that Joliet has.
var portable = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?$`)

// checkFiles says whether files can be put on a volume.
func checkFiles(files []nocloud.File) error {
	if len(files) == 0 {
		return errors.New("a seed without files")
	}
	seen := map[string]bool{}
	for _, f := range files {
		folded := strings.ToLower(f.Name)
		switch {
		case !portable.MatchString(f.Name):
			return fmt.Errorf("%q is no name for a file of a seed; use up to 64 letters, digits, dots and dashes", f.Name)
		case seen[folded]:
			return fmt.Errorf("the name %q is there twice; upper and lower case are the same on some media", f.Name)
		case len(f.Content) > maxFile:
			return fmt.Errorf("%s has %d bytes, more than the %d that a volume takes", f.Name, len(f.Content), maxFile)
		}
		seen[folded] = true
	}
	return nil
}

// maxFile is far above what Check lets a document be, and far below what would
// need more than 32 bits.
const maxFile = 1 << 30
