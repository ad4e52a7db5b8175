// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// statusNotFound is cache-url's exit status for a file the server does not have.
const statusNotFound = 44

// cacheURL is cache-url [-f] [-h] URL DEST: it makes DEST a current copy of URL
// (element contract §1.6). A copy that is there is fetched again only if the
// server says that it has changed; -f fetches it in any case and tells caches on
// the way to do so too. DEST appears whole or not at all; a FIFO gets the content.
// Status 44 for HTTP 404, 1 for everything else.
func cacheURL(ctx context.Context, c *call) error {
	const usage = "Usage: cache-url [-f] [-h] URL DESTINATION\n" +
		"Fetches URL (http, https or file) to DESTINATION unless the copy there is current.\n" +
		"  -f  fetch in any case, and make caches on the way fetch too\n  -h  show this help"
	opts, err := options{flags: []string{"-f", "-h"}}.parse(c.args)
	if err != nil {
		return err
	}
	if opts.has("-h") {
		c.sayf(usage)
		return nil
	}
	if len(opts.operands) != 2 || opts.operands[0] == "" || opts.operands[1] == "" {
		return fmt.Errorf("want a URL and a destination\n%s", usage)
	}
	return c.cache(ctx, newFetcher(), opts.operands[0], opts.operands[1], opts.has("-f"))
}

// cache brings dest up to date with url.
func (c *call) cache(ctx context.Context, f fetcher, url, dest string, force bool) error {
	q := fetchRequest{url: url, force: force}
	info, err := os.Stat(dest)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fifo := err == nil && info.Mode()&os.ModeNamedPipe != 0
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !force {
		q.since = info.ModTime()
	}
	dir := filepath.Dir(dest)
	if fifo {
		dir = os.TempDir()
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making room for %s: %w", dest, err)
	}
	tmp, err := os.CreateTemp(dir, ".download.")
	if err != nil {
		return fmt.Errorf("making a file for the download: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	fresh, err := f.fetch(ctx, q, tmp)
	if err != nil {
		return errors.Join(err, tmp.Close())
	}
	if !fresh {
		c.sayf("Server copy has not changed. Using locally cached %s", redact(url))
		return tmp.Close()
	}
	c.sayf("%s", q.success())
	if fifo {
		return pour(tmp, dest)
	}
	return settle(tmp, dest)
}

// success is what a download says when it has worked.
func (q fetchRequest) success() string {
	switch url := redact(q.url); {
	case q.force:
		return "Downloaded and cached " + url + ", having forced upstream caches to revalidate"
	case !q.since.IsZero():
		return "Server copy has changed. Using server version of " + url
	default:
		return "Downloaded and cached " + url + " for the first time"
	}
}

// pour copies a download into a FIFO.
func pour(tmp *os.File, fifo string) error {
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, tmp.Close())
	}
	out, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		return errors.Join(err, tmp.Close())
	}
	_, err = io.Copy(out, tmp)
	return errors.Join(err, out.Close(), tmp.Close())
}

// settle puts a download in its place. Its time is that of the fetch, which is
// what the next one asks the server about.
func settle(tmp *os.File, dest string) error {
	now := time.Now()
	err := errors.Join(tmp.Chmod(0o644), tmp.Close(), os.Chtimes(tmp.Name(), now, now))
	if err == nil {
		err = os.Rename(tmp.Name(), dest)
	}
	if err != nil {
		return fmt.Errorf("putting the download in its place: %w", err)
	}
	return nil
}
