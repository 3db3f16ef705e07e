"""The store on DynamoDB: each operation is one conditional write or one batch read."""
