# Free of charge, and what keeps the instances independent of a NAT gateway: they fetch their binary from S3.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id, aws_route_table.public.id]
  tags              = merge(var.tags, { Name = "${var.name}-s3" })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      # Who may do what is decided by roles and bucket policies. This lets nothing out to buckets of other accounts.
      # wildcard: any role of the instances in the VPC
      Principal = "*"
      # wildcard: what those roles allow
      Action = "s3:*"
      # wildcard: any bucket, of this account by the condition
      Resource  = "*"
      Condition = { StringEquals = { "aws:ResourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_security_group" "endpoints" {
  count = length(var.interface_endpoints) > 0 ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "Interface endpoints: HTTPS from inside the VPC"
  vpc_id      = aws_vpc.this.id
  tags        = merge(var.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = length(var.interface_endpoints) > 0 ? 1 : 0

  security_group_id = aws_security_group.endpoints[0].id
  description       = "HTTPS from inside the VPC"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = aws_vpc.this.cidr_block
  tags              = var.tags
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.current.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  security_group_ids  = [aws_security_group.endpoints[0].id]
  tags                = merge(var.tags, { Name = "${var.name}-${each.value}" })

  # With AWS's policy, which lets everything pass: only what is in the VPC gets here, with the rights of its own role.

  # In one zone only, which all zones reach: they are for a shell now and then, and each zone costs by the hour.
  subnet_ids = [aws_subnet.private[var.availability_zones[0]].id]

  # A security group in use cannot be deleted: with another name of the stack they have to go first.
  lifecycle {
    replace_triggered_by = [aws_security_group.endpoints[0].id]
  }
}
