package cost

import (
	"cmp"
	"regexp"
	"strings"
)

// usagePrefix is what usage types of most regions begin with, by region:
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-region-billing-codes.html.
var usagePrefix = map[string][]string{
	"us-east-1": {"USE1"}, "us-east-2": {"USE2"}, "us-west-1": {"USW1"}, "us-west-2": {"USW2"}, "ca-central-1": {"CAN1"},
	"eu-west-1": {"EU", "EUW1"}, "eu-west-2": {"EUW2"}, "eu-west-3": {"EUW3"}, "eu-central-1": {"EUC1"}, "eu-north-1": {"EUN1"},
	"ap-south-1": {"APS3"}, "ap-southeast-1": {"APS1"}, "ap-southeast-2": {"APS2"}, "ap-northeast-1": {"APN1"}, "ap-northeast-2": {"APN2"},
	"sa-east-1": {"SAE1"},
}

// usage types that have one price each, by offer. None was read in an offer file for this list; each is in what others have read:
//
//   - AWSLambda, AmazonS3 and AWSDataTransfer: a table of the list of September 2026, https://github.com/ocelhq/ocel/issues/1014.
//   - AmazonApiGateway, AmazonCloudWatch, AmazonEC2: the filters of https://github.com/infracost/infracost, internal/resources/aws. Of logs
//     it asks for the usage type alone; that the operation is PutLogEvents is in fewer places, so that a product without one counts too.
//   - AWSELB: AWS, "Understand codes for Elastic Load Balancing in billing and usage reports", where TS-, Outposts- and Reserved- begin what is
//     something else.
//   - AmazonVPC: bills, such as EU-PublicIPv4:InUseAddress and EU-VpcEndpoint-Hours.
var usageKeys = map[string]map[string]string{
	"AWSLambda": {
		"Request": keyRequest, "Lambda-GB-Second": keyGBSecond + X86, "Lambda-GB-Second-ARM": keyGBSecond + ARM64,
		"Lambda-Provisioned-Concurrency": keyProvisioned + X86, "Lambda-Provisioned-Concurrency-ARM": keyProvisioned + ARM64,
		"Lambda-Provisioned-GB-Second": keyProvisionedDuration + X86, "Lambda-Provisioned-GB-Second-ARM": keyProvisionedDuration + ARM64,
		"Lambda-Storage-GB-Second": keyEphemeral,
	},
	"AWSELB":           {"LoadBalancerUsage": keyALBHour, "LCUUsage": keyLCU},
	"AmazonApiGateway": {"ApiGatewayHttpRequest": keyHTTPAPI, "ApiGatewayRequest": keyRESTAPI},
	"AmazonVPC":        {"PublicIPv4:InUseAddress": keyIPv4, "VpcEndpoint-Hours": keyEndpointHour, "VpcEndpoint-Bytes": keyEndpointGB},
	"AmazonCloudWatch": {"DataProcessing-Bytes": keyLogs, "TimedStorage-ByteHrs": keyLogStorage},
	"AWSDataTransfer":  {"DataTransfer-Out-Bytes": keyDataOut},
	"AmazonS3":         {"TimedStorage-ByteHrs": keyS3Storage, "Requests-Tier1": keyS3Put, "Requests-Tier2": keyS3Get},
	"AmazonEC2": {
		"EBS:VolumeUsage.gp3": keyVolume, "EBS:VolumeP-IOPS.gp3": keyVolumeIOPS, "EBS:VolumeP-Throughput.gp3": keyVolumeThroughput,
		"NatGateway-Hours": keyNATHour, "NatGateway-Bytes": keyNATGB,
	},
	"AmazonElastiCache": {},
}

var nodeType = regexp.MustCompile(`^cache\.[a-z0-9]+\.[a-z0-9]+$`)

// key of a product's price; empty for all that is not needed.
func (o *offerReader) key(p product) string {
	a := p.Attributes
	usage := a["usagetype"]
	// Data transfer has the region that it comes from.
	for _, prefix := range usagePrefix[cmp.Or(a["regionCode"], a["fromRegionCode"])] {
		usage = strings.TrimPrefix(usage, prefix+"-")
	}
	switch {
	case o.offer == "AmazonEC2" && strings.HasPrefix(p.Family, "Compute Instance"):
		plain := a["operatingSystem"] == "Linux" && a["tenancy"] == "Shared" && a["preInstalledSw"] == "NA" && a["capacitystatus"] == "Used" &&
			a["operation"] == "RunInstances"
		if plain && o.wanted(a["instanceType"]) && knownKey(keyInstance+a["instanceType"]) {
			return keyInstance + a["instanceType"]
		}
		return ""
	case o.offer == "AmazonElastiCache":
		engine := strings.ToLower(a["cacheEngine"])
		if (engine == EngineValkey || engine == EngineRedis) && nodeType.MatchString(a["instanceType"]) && strings.HasPrefix(usage, "NodeUsage:") {
			return keyCache + cacheNode(a["instanceType"]) + "." + engine
		}
		return ""
	case o.offer == "AWSELB" && a["operation"] != "LoadBalancing:Application",
		usage == "DataProcessing-Bytes" && a["operation"] != "PutLogEvents" && a["operation"] != "",
		usage == "DataTransfer-Out-Bytes" && a["toLocation"] != "External":
		return ""
	}
	return usageKeys[o.offer][usage]
}
