package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AWS publishes its prices as one offer file a service and region. Their shape:
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html.

// Offers are the services whose prices are read, by the code that AWS gives them.
func Offers() []string {
	return []string{
		"AWSLambda", "AWSELB", "AmazonApiGateway", "AmazonVPC", "AmazonCloudWatch", "AmazonElastiCache", "AWSDataTransfer", "AmazonS3", "AmazonEC2",
	}
}

// OfferPath is where the prices of a service are, below the address of the price list.
func OfferPath(offer, region string) string {
	return "/offers/v1.0/aws/" + offer + "/current/" + region + "/index.json"
}

// sourceList is the source of prices that were read from the price list.
const sourceList = "aws_price_list"

// OfferPrices are the prices of one service in one region.
type OfferPrices struct {
	Published time.Time
	Prices    map[string][]Tier
	Instances map[string]Instance
	// Ambiguous are keys for which the list has several prices; they are not among Prices.
	Ambiguous []string
}

type product struct {
	Family     string            `json:"productFamily"`
	Attributes map[string]string `json:"attributes"`
}

type term struct {
	Effective  time.Time `json:"effectiveDate"`
	Dimensions map[string]struct {
		Begin string            `json:"beginRange"`
		End   string            `json:"endRange"`
		Unit  string            `json:"unit"`
		Price map[string]string `json:"pricePerUnit"`
	} `json:"priceDimensions"`
}

// ReadOffer reads an offer file as it comes, so that its size does not matter: that of EC2 has hundreds of megabytes. wanted says which
// instance types are kept. r should be limited.
func ReadOffer(r io.Reader, offer string, wanted func(instanceType string) bool) (*OfferPrices, error) {
	o := &offerReader{
		d: json.NewDecoder(r), offer: offer, wanted: wanted, keys: map[string]string{},
		out: &OfferPrices{Prices: map[string][]Tier{}, Instances: map[string]Instance{}},
	}
	err := o.object(func(key string) error {
		switch key {
		case "offerCode":
			var code string
			if err := o.d.Decode(&code); err != nil {
				return err
			}
			if code != offer {
				return fmt.Errorf("is the offer of %q", code)
			}
			return nil
		case "publicationDate":
			return o.d.Decode(&o.out.Published)
		case "products":
			o.products = true
			return o.object(o.product)
		case "terms":
			if !o.products {
				return errors.New("has its terms before its products")
			}
			return o.object(o.terms)
		}
		return o.skip()
	})
	if err != nil && !errors.Is(err, errDone) {
		return nil, fmt.Errorf("reading the offer %s: %w", offer, err)
	}
	if !o.products || o.out.Published.IsZero() {
		return nil, fmt.Errorf("reading the offer %s: has no products, or no date: is no offer file", offer)
	}
	for key, tiers := range o.out.Prices {
		for i := range tiers {
			tiers[i].Source, tiers[i].AsOf = sourceList, o.out.Published.UTC().Format(time.DateOnly)
		}
		if slices.Contains(o.out.Ambiguous, key) {
			delete(o.out.Prices, key)
		}
	}
	return o.out, nil
}

// errDone ends the reading: the prices on demand are read, and all that follows is for those who commit themselves.
var errDone = errors.New("done")

type offerReader struct {
	d        *json.Decoder
	offer    string
	wanted   func(string) bool
	products bool
	// keys of prices by the SKU of their product.
	keys map[string]string
	out  *OfferPrices
}

// object calls f with each key; f must read the value.
func (o *offerReader) object(f func(key string) error) error {
	if t, err := o.d.Token(); err != nil {
		return early(err)
	} else if t != json.Delim('{') {
		return fmt.Errorf("expected an object, got %v", t)
	}
	for o.d.More() {
		t, err := o.d.Token()
		if err != nil {
			return early(err)
		}
		key, _ := t.(string)
		if err := f(key); err != nil {
			return early(err)
		}
	}
	_, err := o.d.Token()
	return early(err)
}

// early tells an end in the middle from the end.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skip reads a value of any size away.
func (o *offerReader) skip() error {
	for depth := 0; ; {
		t, err := o.d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func (o *offerReader) product(sku string) error {
	var p product
	if err := o.d.Decode(&p); err != nil {
		return err
	}
	key := o.key(p)
	if key == "" {
		return nil
	}
	o.keys[sku] = key
	if name, ok := strings.CutPrefix(key, keyInstance); ok && o.offer == "AmazonEC2" {
		o.instance(name, p.Attributes)
	}
	return nil
}

// burstable types have a baseline, which offers do not tell: without it their credits would seem to be free.
var burstable = regexp.MustCompile(`^t[0-9]`)

// instance keeps what a type has, unless that is known already.
func (o *offerReader) instance(name string, a map[string]string) {
	if _, known := Embedded().Instances[name]; known || burstable.MatchString(name) {
		return
	}
	vcpu, err := strconv.Atoi(a["vcpu"])
	memory, memoryErr := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSuffix(a["memory"], " GiB"), ",", ""), 64)
	if err != nil || memoryErr != nil {
		return
	}
	arch := X86
	if strings.Contains(a["physicalProcessor"], "Graviton") {
		arch = ARM64
	}
	o.out.Instances[name] = Instance{VCPU: vcpu, MemoryGiB: memory, Arch: arch}
}

func (o *offerReader) terms(kind string) error {
	if kind != "OnDemand" {
		return o.skip()
	}
	if err := o.object(o.onDemand); err != nil {
		return err
	}
	return errDone
}

func (o *offerReader) onDemand(sku string) error {
	key, ok := o.keys[sku]
	if !ok {
		var ignored json.RawMessage
		return o.d.Decode(&ignored)
	}
	var terms map[string]term
	if err := o.d.Decode(&terms); err != nil {
		return err
	}
	var newest *term
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		if t := terms[name]; newest == nil || t.Effective.After(newest.Effective) {
			newest = &t
		}
	}
	if newest == nil {
		return nil
	}
	tiers, err := newest.tiers(key)
	if err != nil {
		return fmt.Errorf("SKU %s: %w", sku, err)
	}
	equal := func(a, b Tier) bool { return a.Size == b.Size && *a.USD == *b.USD }
	if before, ok := o.out.Prices[key]; ok && !slices.EqualFunc(before, tiers, equal) {
		if !slices.Contains(o.out.Ambiguous, key) {
			o.out.Ambiguous = append(o.out.Ambiguous, key)
		}
		return nil
	}
	o.out.Prices[key] = tiers
	return nil
}

// tiers in the order of their ranges, which must follow each other from 0 to Inf.
func (t *term) tiers(key string) ([]Tier, error) {
	type ranged struct{ begin, end, usd float64 }
	var list []ranged
	for _, d := range t.Dimensions {
		begin, err := strconv.ParseFloat(d.Begin, 64)
		end, endErr := strconv.ParseFloat(d.End, 64)
		usd, usdErr := strconv.ParseFloat(d.Price["USD"], 64)
		if err := errors.Join(err, endErr, usdErr); err != nil {
			return nil, err
		}
		if !(usd >= 0 && usd < largest) || !(end > begin && begin >= 0) {
			return nil, fmt.Errorf("a price of %g USD from %g to %g", usd, begin, end)
		}
		if key == keyVolumeThroughput && strings.HasPrefix(d.Unit, "GiBps") {
			usd /= mbPerGB
		}
		list = append(list, ranged{begin, end, usd})
	}
	slices.SortFunc(list, func(a, b ranged) int { return int(math.Copysign(1, a.begin-b.begin)) })
	tiers := make([]Tier, 0, len(list))
	at := 0.0
	for _, r := range list {
		if r.begin != at {
			return nil, fmt.Errorf("its tiers do not follow each other: one ends at %g, the next begins at %g", at, r.begin)
		}
		tier := Tier{USD: &r.usd}
		if at = r.end; !math.IsInf(at, 1) {
			tier.Size = r.end - r.begin
		}
		tiers = append(tiers, tier)
	}
	if !math.IsInf(at, 1) {
		return nil, fmt.Errorf("its tiers end at %g", at)
	}
	return tiers, nil
}

// Add puts prices that were read into a table, which may be the zero Table.
func (t *Table) Add(region string, o *OfferPrices, now time.Time, address string) {
	if t.regions == nil {
		t.regions, t.Sources, t.Instances = map[string]map[string][]Tier{}, map[string]string{}, map[string]Instance{}
	}
	if t.regions[region] == nil {
		t.regions[region] = map[string][]Tier{}
	}
	t.Written = now.UTC().Format(time.DateOnly)
	t.Sources[sourceList] = "AWS price list, " + address
	maps.Copy(t.regions[region], o.Prices)
	maps.Copy(t.Instances, o.Instances)
}
