// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// InstallTypeFile is the name, in environment.d, of the one environment file
// that comes from the engine. It is written after root.d (element contract
// §2.2 step 5).
const InstallTypeFile = "11-dib-install-type.bash"

// CoreElement is the name under which hooks of the engine are shown.
const CoreElement = "core"

// InstallTypeContent is the content of InstallTypeFile, for a value of
// DIB_DEFAULT_INSTALLTYPE; "source" if that is empty.
func InstallTypeContent(installType string) string {
	return "export DIB_DEFAULT_INSTALLTYPE=" + shell.Quote(cmp.Or(installType, "source")) + "\n"
}

// WithInstallType adds InstallTypeFile in its place: these are the environment
// files that every phase after root.d sources. An element's file of that name
// is overwritten by the engine's.
func WithInstallType(files []Hook) []Hook {
	all := slices.DeleteFunc(slices.Clone(files), func(h Hook) bool { return h.Name == InstallTypeFile })
	all = append(all, Hook{
		Name:    InstallTypeFile,
		Path:    EnvironmentDir + "/" + InstallTypeFile,
		Element: CoreElement,
	})
	slices.SortFunc(all, func(a, b Hook) int { return strings.Compare(a.Name, b.Name) })
	return all
}
