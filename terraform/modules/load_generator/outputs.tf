output "instance_ids" {
  description = "IDs of the instances."
  value       = aws_instance.this[*].id
}

output "public_ips" {
  description = "Public IPv4 addresses of the instances, to be let in by the targets."
  value       = aws_instance.this[*].public_ip
}

output "bucket" {
  description = "Bucket of the results, below runs/."
  value       = module.bucket.name
}

output "instance_type" {
  description = "Size of the instances."
  value       = local.instance_type
}

output "security_group_id" {
  description = "Security group of the instances."
  value       = aws_security_group.this.id
}
