variable "name" {
  description = "Start of the bucket's name; AWS adds a suffix that makes it unique."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,35}-$", var.name)) && !can(regex("^(sthree-|amzn-s3-demo-)", var.name))
    error_message = "name: allowed are 3 to 37 lower-case letters, digits and hyphens, the first a letter and the last a hyphen, and not sthree- or amzn-s3-demo- at the start, which AWS keeps for itself."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(var.tags) <= 50 && alltrue([
      for key, value in var.tags :
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value)) && !startswith(lower(key), "aws:")
    ])
    error_message = "tags: allowed are up to 50, with keys of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+@-, and no key that starts with aws:."
  }
}
