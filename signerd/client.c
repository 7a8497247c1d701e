/* SPDX-License-Identifier: MIT
 *
 * Lists of clients and connections. The worker's alone.
 */
#include "client.h"

#include "base/secret.h"

#include <stdlib.h>
#include <unistd.h>

err_t connection_new(struct clients *clients, int fd, const struct identity *identity,
    struct account *account, struct connection **ret_connection)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return ERR_MEMORY;
    connection->fd = fd;
    connection->identity = *identity;
    connection->place.account = account;
    connection->next = clients->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    clients->connections = connection;
    clients->connection_count++;
    account->connections++;
    *ret_connection = connection;
    return ERR_OK;
}

void connection_free(
    struct clients *clients, struct connection *connection, struct client **ret_client)
{
    struct client *client = connection->client;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        clients->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    clients->connection_count--;
    connection->place.account->connections--;
    (void)close(connection->fd);
    secret_wipe(connection->kept, connection->kept_len);
    free(connection);
    *ret_client = client != NULL && --client->connections == 0 ? client : NULL;
}

err_t connection_greet(
    struct clients *clients, struct connection *connection, uint64_t client_number)
{
    const struct identity *who = &connection->identity;
    struct client *client = clients->first;
    while (client != NULL &&
           !(client->uid == who->uid && client->pid == who->pid &&
               client->start_time == who->start_time && client->number == client_number))
        client = client->next;
    if (client == NULL) {
        client = calloc(1, sizeof *client);
        if (client == NULL)
            return ERR_MEMORY;
        client->uid = who->uid;
        client->pid = who->pid;
        client->start_time = who->start_time;
        client->number = client_number;
        client->next = clients->first;
        clients->first = client;
    }
    client->connections++;
    connection->client = client;
    return ERR_OK;
}

void client_free(struct clients *clients, struct client *client)
{
    struct client **at = &clients->first;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    free(client);
}
