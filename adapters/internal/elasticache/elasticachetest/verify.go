package elasticachetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Verify checks a token as ElastiCache would, by a calculation of its own. The steps are
// those of "Create a signed AWS API request" with query parameters,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
func (k Keys) Verify(token, user, cache, region string, serverless bool, now time.Time) error {
	host, rawQuery, found := strings.Cut(token, "/?")
	if !found || host != cache {
		return fmt.Errorf("the token is for %q, not for the cache %q", host, cache)
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	if err != nil {
		return fmt.Errorf("X-Amz-Date: %w", err)
	}
	if age := now.Sub(at); age < -time.Minute || age > 15*time.Minute {
		return fmt.Errorf("the token is %s old", age)
	}
	scope := strings.Join([]string{at.Format("20060102"), region, "elasticache", "aws4_request"}, "/")
	want := url.Values{
		"Action": {"connect"}, "User": {user}, "X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Expires": {"900"},
		"X-Amz-SignedHeaders": {"host"}, "X-Amz-Credential": {k.ID + "/" + scope}, "X-Amz-Date": query["X-Amz-Date"],
	}
	if serverless {
		want.Set("ResourceType", "ServerlessCache")
	}
	if k.Session != "" {
		want.Set("X-Amz-Security-Token", k.Session)
	}
	signature := query.Get("X-Amz-Signature")
	query.Del("X-Amz-Signature")
	canonicalQuery := canonical(want)
	if got := canonical(query); got != canonicalQuery {
		return fmt.Errorf("the query is %s, not %s", got, canonicalQuery)
	}
	request := strings.Join([]string{"GET", "/", canonicalQuery, "host:" + cache + "\n", "host", hash("")}, "\n")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", query.Get("X-Amz-Date"), scope, hash(request)}, "\n")
	key := []byte("AWS4" + k.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	if valid := hex.EncodeToString(mac(key, toSign)); signature != valid {
		return fmt.Errorf("the signature is %s, not %s", signature, valid)
	}
	return nil
}

// canonical writes parameters sorted and with all but the unreserved bytes of RFC 3986 encoded.
func canonical(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, encode(name)+"="+encode(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}
