# A backend that was never initialised.
terraform {
  backend "s3" {}
}
