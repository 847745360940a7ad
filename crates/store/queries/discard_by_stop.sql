UPDATE stops SET discards = true WHERE id = $1
