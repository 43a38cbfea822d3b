package cost

// Architectures, as Lambda spells them.
const (
	ARM64 = "arm64"
	X86   = "x86_64"
)

// Keys of prices. Those that end in a dot go on with an architecture, an instance type, or a cache node and its engine.
const (
	keyRequest             = "lambda.request"
	keyGBSecond            = "lambda.gb_second."
	keyProvisioned         = "lambda.provisioned_concurrency."
	keyProvisionedDuration = "lambda.provisioned_duration."
	keyEphemeral           = "lambda.ephemeral_storage"
	keyStreamed            = "lambda.response_stream_gb"
	keyManagedRequest      = "lambda.managed.request"
	keyManagedFee          = "lambda.managed.fee" // a share of the on-demand price of the instance
	keyALBHour             = "alb.hour"
	keyLCU                 = "alb.lcu_hour"
	keyHTTPAPI             = "http_api.request"
	keyRESTAPI             = "rest_api.request"
	keyDataOut             = "data_out.gb"
	keyLogs                = "logs.ingest_gb"
	keyLogStorage          = "logs.gb_month"
	keyIPv4                = "ipv4.hour"
	keyInstance            = "ec2."
	keySurplus             = "ec2.surplus_vcpu_hour."
	keyVolume              = "ebs.gp3.gb_month"
	keyVolumeIOPS          = "ebs.gp3.iops_month"
	keyVolumeThroughput    = "ebs.gp3.mibps_month"
	keyNATHour             = "nat.hour"
	keyNATGB               = "nat.gb"
	keyEndpointHour        = "vpc_endpoint.hour"
	keyEndpointGB          = "vpc_endpoint.gb"
	keyCache               = "elasticache."
	keyS3Storage           = "s3.gb_month"
	keyS3Put               = "s3.put"
	keyS3Get               = "s3.get"
)

// What AWS gives each account for free without end, a month.
// Sources: https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/ec2/pricing/on-demand/ (data transfer).
const (
	freeRequests   = 1e6
	freeGBSeconds  = 400_000
	freeDataOutGB  = 100
	freeStreamedGB = 100
)
