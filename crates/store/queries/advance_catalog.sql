UPDATE catalog SET number = $1
