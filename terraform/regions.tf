locals {
  # Architectures of Lambda by region. In the first group both are in use: Powertools for AWS Lambda publishes its layers
  # there for both (its workflow reusable_deploy_v3_layer_stack.yml at commit 03c5cb3). Of the second group only x86_64 is
  # certain. AWS's own list is the price page, https://aws.amazon.com/lambda/pricing/.
  regions = merge(
    {
      for region in [
        "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
        "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ca-central-1", "ca-west-1", "eu-central-1",
        "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
        "me-central-1", "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
      ] : region => ["arm64", "x86_64"]
    },
    { for region in ["ap-east-2", "ap-southeast-5", "ap-southeast-7", "mx-central-1"] : region => ["x86_64"] },
  )
}
