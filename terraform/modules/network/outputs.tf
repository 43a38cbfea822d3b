output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, in the order of the availability zones."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "public_subnet_ids" {
  description = "IDs of the public subnets, in the order of the availability zones. Usable once they have their way to the internet."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]
  depends_on  = [aws_route.public_internet, aws_route_table_association.public]
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3's addresses in the region, for egress rules."
  value       = aws_vpc_endpoint.s3.prefix_list_id
  depends_on  = [aws_route_table_association.private, aws_route_table_association.public]
}

output "endpoints_security_group_id" {
  description = "Security group of the interface endpoints; null without any."
  value       = one(aws_security_group.endpoints[*].id)
}
