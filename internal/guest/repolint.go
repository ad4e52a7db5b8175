// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// CheckRepositories reads an element's source-repository-* files before the build
// runs (element contract §4.4), for lines that would end it. Those that the shell has
// to evaluate are left to the build.
func CheckRepositories(s PackageSource) error {
	names, err := fs.Glob(s.FS, "source-repository-*")
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if strings.HasSuffix(name, "~") {
			continue
		}
		file := filepath.Join(s.Dir, name)
		doc, err := fs.ReadFile(s.FS, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("element %s: %s: %w", s.Element, file, err))
			continue
		}
		line := 0
		for text := range strings.Lines(string(doc)) {
			line++
			if err := checkRepositoryLine(text); err != nil {
				errs = append(errs, fmt.Errorf("element %s: %s, line %d: %w", s.Element, file, line, err))
			}
		}
	}
	return errors.Join(errs...)
}

func checkRepositoryLine(text string) error {
	text = strings.TrimSpace(text)
	if text == "" || text[0] == '#' || strings.ContainsAny(text, "$`\\'\"(){}[]<>|&;!#~?") {
		return nil
	}
	_, err := parseRepository(strings.Join(strings.Fields(text), " "), func(_, fallback string) string { return fallback })
	return err
}
