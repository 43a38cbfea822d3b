variable "name" {
  description = "Start of the bucket's name; AWS adds a suffix that makes it unique."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,35}-$", var.name))
    error_message = "name: allowed are 3 to 37 lower-case letters, digits and hyphens, the first a letter and the last a hyphen."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
