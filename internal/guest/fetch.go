// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// fetcher downloads. Its numbers are those that elements know from cache-url.
type fetcher struct {
	client  *http.Client
	retries int
	delay   time.Duration
}

func newFetcher() fetcher {
	return fetcher{retries: 3, delay: 30 * time.Second, client: &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 30 * time.Second,
		// A server's Content-Encoding is left alone: what is stored are the
		// bytes that the checksum of the file was made of.
		DisableCompression: true,
		ForceAttemptHTTP2:  true,
	}}}
}

// fetchRequest asks for a URL; a zero since asks unconditionally.
type fetchRequest struct {
	url   string
	since time.Time
	force bool
}

// fetch writes the content to dst and reports true, or reports false if it has not
// changed since. What may go away by itself is tried again.
func (f fetcher) fetch(ctx context.Context, q fetchRequest, dst *os.File) (bool, error) {
	u, err := url.Parse(q.url)
	if err != nil {
		return false, fmt.Errorf("reading the URL: %w", err)
	}
	switch u.Scheme {
	case "file":
		return fetchFile(u, q, dst)
	case "http", "https":
	default:
		return false, fmt.Errorf("fetching %s: only http, https and file URLs can be fetched", redact(q.url))
	}
	for try := 0; ; try++ {
		fresh, err := f.once(ctx, q, dst)
		var passing *passingError
		if !errors.As(err, &passing) || try >= f.retries {
			return fresh, err
		}
		if err := rewind(dst); err != nil {
			return false, err
		}
		if err := command.Pause(ctx, f.delay); err != nil {
			return false, err
		}
	}
}

// passingError is an error that another try may not meet.
type passingError struct{ error }

func (e *passingError) Unwrap() error { return e.error }

func (f fetcher) once(ctx context.Context, q fetchRequest, dst io.Writer) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
	if err != nil {
		return false, fmt.Errorf("fetching %s: %w", redact(q.url), err)
	}
	if q.force {
		req.Header.Set("Pragma", "no-cache, must-revalidate")
		req.Header.Set("Cache-Control", "no-cache, must-revalidate")
	}
	if !q.since.IsZero() {
		req.Header.Set("If-Modified-Since", q.since.UTC().Format(http.TimeFormat))
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return false, connectError(err)
	}
	defer resp.Body.Close()
	return receive(resp, q, dst)
}

// receive judges an answer and stores its body.
func receive(resp *http.Response, q fetchRequest, dst io.Writer) (bool, error) {
	switch code := resp.StatusCode; code {
	case http.StatusOK:
	case http.StatusNotModified:
		return false, nil
	case http.StatusNotFound:
		return false, statusf(statusNotFound, "fetching %s: Server returned an unexpected response code. [404]", redact(q.url))
	default:
		err := fmt.Errorf("fetching %s: Server returned an unexpected response code. [%d]", redact(q.url), code)
		if code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500 && code <= 504 && code != http.StatusNotImplemented {
			return false, &passingError{err}
		}
		return false, err
	}
	n, err := io.Copy(dst, resp.Body)
	if err != nil {
		return false, &passingError{fmt.Errorf("fetching %s: after %d bytes: %w", redact(q.url), n, err)}
	}
	// Some servers answer a condition with an empty success.
	return n > 0 || q.since.IsZero(), nil
}

// connectError says whether an error may pass, and helps with one that will not:
// a bare target has no certificates yet.
func connectError(err error) error {
	var unknown x509.UnknownAuthorityError
	var none x509.SystemRootsError
	if errors.As(err, &unknown) || errors.As(err, &none) {
		return fmt.Errorf("%w; are CA certificates (package ca-certificates) installed here?", err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &passingError{err}
	}
	return err
}

// fetchFile copies a local file, unless it is not newer than the copy.
func fetchFile(u *url.URL, q fetchRequest, dst io.Writer) (bool, error) {
	if u.Host != "" && u.Host != "localhost" {
		return false, fmt.Errorf("fetching %s: a file URL has three slashes before the path, file:///path", q.url)
	}
	in, err := os.Open(u.Path)
	if err != nil {
		return false, fmt.Errorf("fetching %s: %w", q.url, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return false, fmt.Errorf("fetching %s: %w", q.url, err)
	}
	if !q.since.IsZero() && !info.ModTime().After(q.since) {
		return false, nil
	}
	n, err := io.Copy(dst, in)
	if err != nil {
		return false, fmt.Errorf("fetching %s: %w", q.url, err)
	}
	return n > 0 || q.since.IsZero(), nil
}

func rewind(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// redact hides a password in a URL that is about to be shown.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		before, _, _ := strings.Cut(raw, "@")
		return before
	}
	return u.Redacted()
}
